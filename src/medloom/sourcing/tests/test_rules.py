"""Purchases that add up and those that do not."""

from typing import Any

import pytest

from medloom.kernel.ruling import Asked
from medloom.sourcing.rules import admit_purchase_line
from medloom.wire.operation import Kind, Operation

pytestmark = pytest.mark.pure


def codes(current: dict[str, Any] | None = None, **fields: Any) -> list[str]:
    operation = Operation(
        id="o", type="purchase_line", object="p", kind=Kind.OBSERVE, at="", actor="", fields={}
    )
    asked = Asked(operation=operation, author="C", home="C", fields=fields, refs={}, current=current or {})
    return [finding.code for finding in admit_purchase_line(asked, None).findings]


def test_what_was_received_is_rejected_or_stocked() -> None:
    assert codes(quantity="5", received="5", rejected="1.5", stocked="3.5") == []
    assert codes(received="5", rejected="1", stocked="3") == ["balance_received"]
    assert codes({"received": "5", "rejected": "1"}, stocked="3") == ["balance_received"]


def test_what_is_not_told_yet_need_not_add_up() -> None:
    assert codes(received="5", stocked="5") == []
    assert codes(quantity="9", received="5", rejected="0", stocked="5") == []
