"""Who received what of a scope, as the page, the map and the exports show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from medloom.interfaces.web.columns import idle_free, unit_word
from medloom.interfaces.web.plantmap import TAKERS_DRAWN, Taker
from medloom.interfaces.web.viewer import Viewer
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
