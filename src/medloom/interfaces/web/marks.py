"""Marks of a list that no field holds: what an inspection found, whether a receipt is joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from medloom.inspection.models import Result
from medloom.interfaces.web.columns import Column
from medloom.interfaces.web.listing import Marks
from medloom.trace.models import TraceEdge

_CITED = Q(specification__isnull=False, unit=F("specification__unit"))
#: Results that do not conform: by the revision they cite, else as their author judged.
OUT = (_CITED & (Q(value__lt=F("specification__low")) | Q(value__gt=F("specification__high")))) | (
    (Q(specification__isnull=True) | ~Q(unit=F("specification__unit"))) & Q(judged="fail")
)


def _inspections_found(found: str) -> Q:
    mine = Result.objects.filter(inspection=OuterRef("num"), voided=False)
    if found == "out":
        return Q(Exists(mine.filter(OUT)))
    return Q(Exists(mine)) & ~Q(Exists(mine.filter(OUT))) if found == "in" else ~Q(Exists(mine))


def _count_results(rows: Sequence[Any]) -> None:
    counted = (
        Result.objects.filter(inspection__in=[row.num for row in rows], voided=False)
        .order_by()
        .values("inspection_id")
        .annotate(results=Count("num"), out=Count("num", filter=OUT))
    )
    by_inspection = {one["inspection_id"]: one for one in counted}
    for row in rows:
        told = by_inspection.get(row.num, {})
        row.results_count, row.out_count = told.get("results", 0), told.get("out", 0)


INSPECTIONS = Marks(
    name="found",
    label=_("Found"),
    choices=(
        ("out", _("Something out of limits")),
        ("in", _("All within limits")),
        ("none", _("No results")),
    ),
    condition=_inspections_found,
    columns=(
        Column("results_count", _("Results"), "count"),
        Column("out_count", _("Out of limits"), "faults"),
    ),
    fill=_count_results,
)

_FROM_A_PLANT = Q(partner__isnull=False) & ~Q(partner=F("site"))


def _edge_of() -> Exists:
    """The edge by which the hub joins a receipt with the sender's lot (docs/decisions/0014)."""
    return Exists(
        TraceEdge.objects.filter(child=OuterRef("lot_id"), step=OuterRef("num"), voided_by=None, units=0)
    )


def _receipts_joined(word: str) -> Q:
    if word == "unnumbered":
        return Q(partner_lot__isnull=True)
    joined = Q(_edge_of())
    return _FROM_A_PLANT & Q(partner_lot__isnull=False) & (joined if word == "joined" else ~joined)


def _tell_joined(rows: Sequence[Any]) -> None:
    nums = [row.num for row in rows]
    edges = TraceEdge.objects.filter(step__in=nums, voided_by=None, units=0).values_list("step", "child")
    joined = set(edges)
    for row in rows:
        if not row.partner_lot:
            row.joined = "unnumbered"
        elif row.partner and row.partner != row.site:
            row.joined = "joined" if (row.num, row.lot_id) in joined else "unjoined"
        else:
            row.joined = "outside"


#: Whether the sender's lot is known is the registrant's to see: a plant must not learn what another has.
RECEIPTS = Marks(
    name="joined",
    label=_("Sender's lot"),
    choices=(
        ("joined", _("Joined")),
        ("unjoined", _("Not joined yet")),
        ("unnumbered", _("No number given")),
    ),
    condition=_receipts_joined,
    columns=(
        Column(
            "joined",
            _("Sender's lot"),
            "state",
            words=(
                ("joined", _("Joined")),
                ("unjoined", _("Not joined yet")),
                ("unnumbered", _("No number given")),
                ("outside", _("Outside the network")),
            ),
        ),
    ),
    fill=_tell_joined,
    several=True,
)
