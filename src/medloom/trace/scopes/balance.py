"""What became of the quantity of each lot: made = stock + shipped + scrapped + consumed + returned + unknown.

Pure. `unknown` is what no record accounts for; it is shown and never rounded away. Below nought it says that
more went out than was ever made, which is a fault of the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

NOUGHT = Decimal(0)
PARTS = ("stock", "shipped", "scrapped", "consumed", "returned")


def plain(number: Decimal | None) -> str:
    """A quantity without idle zeros; "?" where nothing was said."""
    if number is None:
        return "?"
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


@dataclass(frozen=True)
class Balance:
    """Quantities of one lot, or of many in one unit.

    made      produced or received; None where no record says how much there ever was
    unsaid    consumptions whose quantity the plant did not say: part of what is unknown
    """

    unit: str = "1"
    made: Decimal | None = None
    stock: Decimal = NOUGHT
    shipped: Decimal = NOUGHT
    scrapped: Decimal = NOUGHT
    consumed: Decimal = NOUGHT
    returned: Decimal = NOUGHT
    unsaid: int = 0

    @property
    def known(self) -> Decimal:
        """What the records account for."""
        return self.stock + self.shipped + self.scrapped + self.consumed + self.returned

    @property
    def unknown(self) -> Decimal | None:
        """What they do not; None where it was never said how much there was."""
        return None if self.made is None else self.made - self.known


@dataclass(frozen=True)
class Counted:
    """What the records say of lots, by internal number, as the queries read it.

    moves    rows of lot, kind, inward (whether it came in), unit, quantity; in base units
    delivered  the same of receipts and shipments
    stock    rows of lot, unit, quantity
    good     lot -> good pieces that step records made
    used     lot -> (quantity that genealogy says went into others, how many said no quantity)
    """

    moves: Sequence[Mapping[str, Any]] = ()
    delivered: Sequence[Mapping[str, Any]] = ()
    stock: Sequence[Mapping[str, Any]] = ()
    good: Mapping[int, Decimal] = field(default_factory=dict)
    used: Mapping[int, tuple[Decimal, int]] = field(default_factory=dict)


def balances(lots: Iterable[int], counted: Counted) -> dict[int, Balance]:
    """The balance of each lot.

    Moves come first; where a plant sends none of a kind, other records stand in: receipts, or good pieces of
    step records, for what was made, shipments for what was shipped, the genealogy's quantities for what was
    consumed. Goods that a customer sent back lower `shipped`.
    """
    sums: dict[int, dict[str, Decimal]] = {}
    units: dict[int, str] = {}
    for row in counted.moves:
        units[row["lot"]] = row["unit"]
        _add(sums.setdefault(row["lot"], {}), row)
    booked: dict[int, set[str]] = {}
    for row in counted.moves:  # who books what comes back need not book what left
        if row["kind"] != "returned":
            booked.setdefault(row["lot"], set()).add((_part(row["kind"], inward=False) or ("", 1))[0])
    for row in counted.delivered:
        name = "made" if row["kind"] == "received" else "shipped"
        if name not in booked.get(row["lot"], ()):
            units.setdefault(row["lot"], row["unit"])
            _add(sums.setdefault(row["lot"], {}), row)
    for row in counted.stock:
        units.setdefault(row["lot"], row["unit"])
        mine = sums.setdefault(row["lot"], {})
        mine["stock"] = mine.get("stock", NOUGHT) + row["quantity"]
    found = {}
    for lot in lots:
        mine = sums.get(lot, {})
        used, unsaid = counted.used.get(lot, (NOUGHT, 0))
        found[lot] = Balance(
            unit=units.get(lot, "1"),
            made=mine.get("made", counted.good.get(lot)),
            consumed=mine.get("consumed", used),
            unsaid=0 if "consumed" in mine else unsaid,
            **{name: mine.get(name, NOUGHT) for name in PARTS if name != "consumed"},
        )
    return found


def _add(mine: dict[str, Decimal], row: Mapping[str, Any]) -> None:
    part = _part(str(row["kind"]), inward=bool(row["inward"]))
    if part:
        name, sign = part
        mine[name] = mine.get(name, NOUGHT) + sign * row["quantity"]


def _part(kind: str, *, inward: bool) -> tuple[str, int] | None:
    if kind in ("received", "produced"):
        return "made", 1
    if kind == "returned":
        return ("shipped", -1) if inward else ("returned", 1)
    return (kind, 1) if kind in PARTS else None


def totals(found: Iterable[Balance]) -> dict[str, Balance]:
    """Unit -> the sum. A lot of which nobody said how much was made counts with what is known of it, and as
    one more in `unsaid`.
    """
    summed: dict[str, Balance] = {}
    for one in found:
        so_far = summed.get(one.unit, Balance(one.unit, made=NOUGHT))
        sums = {name: getattr(so_far, name) + getattr(one, name) for name in PARTS}
        made = (so_far.made or NOUGHT) + (one.known if one.made is None else one.made)
        unsaid = so_far.unsaid + (1 if one.made is None else one.unsaid)
        summed[one.unit] = Balance(one.unit, made=made, unsaid=unsaid, **sums)
    return summed
