"""What is true of purchases. Pure: no database, no clock."""

from __future__ import annotations

from decimal import Decimal

from medloom.kernel.ruling import FINE, Asked, Ruling
from medloom.wire.verdict import Finding


def admit_purchase_line(asked: Asked, facts: object = None) -> Ruling:
    """Of what was received, each piece was rejected or put into stock; a line is kept where it is not so.

    More or less received than ordered is no finding: suppliers deliver in parts and over.
    """
    values = {**asked.current, **asked.fields}
    given = [values.get(name) for name in ("received", "rejected", "stocked")]
    if None in given:
        return FINE
    received, rejected, stocked = (Decimal(str(value)) for value in given)
    if rejected + stocked == received:
        return FINE
    expected = f"rejected {rejected:f} + stocked {stocked:f} = {rejected + stocked:f}"
    finding = Finding(
        code="balance_received", path="/fields/received", expected=expected, got=f"{received:f}"
    )
    return Ruling(findings=(finding,))
