"""What is true of sites. Pure: no database, no clock."""

from __future__ import annotations

import re
from collections.abc import Set

from medloom.kernel.ruling import FINE, Asked, Ruling, rejected

#: A site's code is part of operation ids and addresses.
SITE_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,15}")


def admit_site(asked: Asked, zones: Set[str] | None) -> Ruling:
    """A site has a code that fits into ids, and a time zone that exists. `zones`: the IANA names."""
    code, zone = asked.fields.get("code"), asked.fields.get("zone")
    if code is not None and not SITE_CODE.fullmatch(str(code)):
        return rejected(
            "site_code_wrong", "/fields/code", "capital letters, digits, - and _, at most 16", str(code)
        )
    if code is not None and asked.home != code:
        return rejected("site_home_wrong", "/site", str(code), asked.home)
    if zone is not None and zones is not None and zone not in zones:
        return rejected("zone_unknown", "/fields/zone", "IANA time zone, as Asia/Shanghai", str(zone))
    return FINE
