"""A site's code and time zone."""

from __future__ import annotations

import pytest

from medloom.kernel.tests.asking import ask
from medloom.parties.rules import admit_site

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("fields", "home", "code"),
    [
        ({"code": "A", "zone": "Asia/Shanghai"}, "A", ""),
        ({"code": "a"}, "a", "site_code_wrong"),
        ({"code": "A/B"}, "A/B", "site_code_wrong"),
        ({"code": "B"}, "A", "site_home_wrong"),
        ({"zone": "Shanghai"}, "A", "zone_unknown"),
        ({"zone": "Asia/Shanghai"}, "A", ""),
    ],
)
def test_code_and_zone(fields: dict, home: str, code: str) -> None:
    ruling = admit_site(ask("site", fields, kind="set", author="HQ", home=home), {"Asia/Shanghai"})
    assert (ruling.refusal.code if ruling.refusal else "") == code
