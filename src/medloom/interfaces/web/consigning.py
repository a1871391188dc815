"""Who received what of a scope, as the page, the map and the exports show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from medloom.interfaces.web.columns import idle_free, unit_word
from medloom.interfaces.web.plantmap import TAKERS_DRAWN, Taker
from medloom.interfaces.web.viewer import Viewer
from medloom.materials.models import Receipt
from medloom.trace.frozen.handed import KINDS, RETURNED, SHIPPED, Changed, Handed, changed
from medloom.trace.frozen.handed import undated as undated_records
from medloom.trace.scopes.consigned import Consigned
from medloom.trace.scopes.dimensions import condition
from medloom.trace.scopes.expression import TEXT_LENGTH_MAX, Expression, Joined, group, text_of

#: Rows of the page's table; the workbook has them all.
SHOWN_MOST = 50


@dataclass(frozen=True)
class Received:
    """One row of the table: what a plant shipped to one consignee."""

    one: Consigned
    plant: str
    unit: str
    address: str

    @property
    def name(self) -> str:
        """The consignee's code, or why there is none."""
        return name_of(self.one)


def name_of(one: Consigned) -> str:
    """The consignee's code, or why there is none."""
    if one.consignee:
        return one.consignee
    if one.nameless:
        return _("Came back, nobody named")
    return _("Named, not shown to you") if one.named else _("No consignee on record")


def amount_of(unit: str, quantity: Decimal) -> str:
    """A quantity with its unit; pieces have none in tables, here they are named."""
    if word := unit_word(unit):
        return f"{idle_free(quantity)} {word}"
    many = int(quantity) if quantity == int(quantity) else 2
    return ngettext("%(amount)s piece", "%(amount)s pieces", many) % {"amount": idle_free(quantity)}


def received(found: Sequence[Consigned], viewer: Viewer, expression: Expression | None) -> list[Received]:
    """The rows of the table, each leading to the lots that this consignee has of the scope."""
    return [
        Received(one, viewer.sites.get(one.site, one.site), unit_word(one.unit), _narrowed(one, expression))
        for one in found[:SHOWN_MOST]
    ]


def undated(handed: Sequence[Handed], lots: Sequence[int]) -> dict[str, int]:
    """Records of these lots that state no day, by kind: EPCIS has no event without a time."""
    arrived = Receipt.objects.filter(lot__in=lots, voided=False, received=None).count()
    found = {
        "receipts": arrived,
        "shipments": undated_records(handed, SHIPPED),
        "returns": undated_records(handed, RETURNED),
    }
    return {name: count for name, count in found.items() if count}


def undated_words(handed: Sequence[Handed], lots: Sequence[int]) -> str:
    """What the EPCIS export of these lots leaves out, for the page beside it; empty where nothing."""
    return ", ".join(_counted(name, count) for name, count in undated(handed, lots).items())


def _counted(name: str, count: int) -> str:
    if name == "receipts":
        return ngettext("%(count)s receipt", "%(count)s receipts", count) % {"count": count}
    if name == "returns":
        return ngettext("%(count)s return", "%(count)s returns", count) % {"count": count}
    return ngettext("%(count)s shipment", "%(count)s shipments", count) % {"count": count}


@dataclass(frozen=True)
class Since:
    """One record that tells otherwise than when the scope was frozen, as the page lists it."""

    change: Changed
    state: str

    @property
    def one(self) -> Handed:
        """A line of it."""
        return self.change.one

    @property
    def lots(self) -> str:
        """Its lots of this scope."""
        return ", ".join(sorted({one.key for one in self.change.now or self.change.before}))

    @property
    def before(self) -> str:
        """How much it told when the scope was frozen."""
        return _summed(self.change.before)

    @property
    def now(self) -> str:
        """How much it tells now."""
        return _summed(self.change.now)


def _summed(lines: Sequence[Handed]) -> str:
    sums: dict[str, Decimal] = {}
    for one in lines:
        sums[one.unit] = sums.get(one.unit, Decimal(0)) + one.quantity
    return " · ".join(amount_of(unit, quantity) for unit, quantity in sorted(sums.items()))


def since(before: Sequence[Handed], now: Sequence[Handed]) -> dict[str, Any]:
    """What was recorded, corrected or taken back of these lots since the scope was frozen."""
    found = changed(before, now)
    rows = [
        Since(each, "gone" if not each.now else "changed" if each.before else "new")
        for each in found[:SHOWN_MOST]
    ]
    count = {kind: sum(1 for each in found if each.one.kind == kind) for kind in KINDS}
    return {"rows": rows, "more": max(0, len(found) - SHOWN_MOST), **count}


def _narrowed(one: Consigned, expression: Expression | None) -> str:
    """The address of the same question, asked of what went to this consignee only."""
    if not one.consignee or expression is None:
        return ""
    theirs = group(condition("consignee", values=(one.consignee,)))
    text = text_of(Joined("and", expression, theirs))
    return f"{reverse('web:scope')}?{urlencode({'q': text})}" if len(text) <= TEXT_LENGTH_MAX else ""


def takers(found: Sequence[Consigned]) -> list[Taker]:
    """The boxes on the map: those who received most, the others as one, last what nobody is named for."""
    by_name: dict[tuple[bool, str], list[Consigned]] = {}
    for one in found:
        if one.nameless:
            continue  # nobody's: the table has it
        by_name.setdefault((not one.consignee, name_of(one)), []).append(one)
    boxes = [
        Taker(name, _amounts(mine), frozenset(one.site for one in mine), unknown=unnamed)
        for (unnamed, name), mine in sorted(by_name.items(), key=lambda pair: (pair[0][0], -_most(pair[1])))
    ]
    known = [box for box in boxes if not box.unknown]
    if len(known) > TAKERS_DRAWN:
        rest = known[TAKERS_DRAWN - 1 :]
        names = {box.name for box in rest}
        of_rest = [one for one in found if one.consignee in names]
        merged = Taker("", _amounts(of_rest), frozenset(one.site for one in of_rest), more=len(rest))
        known = [*known[: TAKERS_DRAWN - 1], merged]
    return [*known, *(box for box in boxes if box.unknown)]


def _most(mine: Sequence[Consigned]) -> Decimal:
    return max(one.quantity for one in mine)


def _amounts(mine: Sequence[Consigned]) -> str:
    sums: dict[str, Decimal] = {}
    for one in mine:
        sums[one.unit] = sums.get(one.unit, Decimal(0)) + one.quantity
    return " · ".join(amount_of(unit, quantity) for unit, quantity in sorted(sums.items()))
