"""A scope as documents that leave the house: a workbook, a printed report, EPCIS events."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from medloom.formats.epcis.making import Thing, When, document, observation, transformation
from medloom.interfaces.web.columns import idle_free, unit_word
from medloom.interfaces.web.consigning import name_of
from medloom.interfaces.web.export import OPTIONS, fill_sheet, neutral
from medloom.interfaces.web.scopewords import meant_words
from medloom.interfaces.web.viewer import Viewer
from medloom.interfaces.web.words import verdict_word
from medloom.kernel.entity import catalogue
from medloom.materials.models import Lot, Receipt, Serial, Shipment
from medloom.production.models import StepRecord
from medloom.trace import queries as trace
from medloom.trace.frozen.lines import Line, ordered
from medloom.trace.rules import UNIT_BITS
from medloom.trace.scopes.consigned import Consigned

#: Rows of one sheet: what a spreadsheet takes is a million, what a person reads is less.
SHEET_MOST = 200_000
EDGES_MOST = 1_000_000
#: Characters that a cell of a workbook takes.
CELL_MOST = 32_000
NOON = dt.time(12)


@dataclass(frozen=True)
class Report:
    """Everything that an export says of a scope.

    about  (what, value) in the reader's language: question, number, digest, who asked, when
    """

    title: str
    about: Sequence[tuple[str, str]]
    lines: Sequence[Line]
    perhaps: Sequence[dict[str, Any]]
    viewer: Viewer
    consigned: Sequence[Consigned] = ()


@dataclass(frozen=True)
class Table:
    """One table of a report."""

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]


def _plain(number: Decimal | None) -> Any:
    return "?" if number is None else float(number)


def lots_table(report: Report) -> Table:
    """One row for each lot, with what became of it and the record that proves it."""
    told = ordered(report.lines)
    known = Lot.objects.filter(num__in=[line.lot for line in told]).select_related("item")
    items = {lot.num: lot.item.key if lot.item else "" for lot in known}
    numbers = {line.lot: line.key for line in told}
    head = [
        _("Step"), _("Lot number"), _("Plant"), _("Name"), _("Item"), _("Devices"), _("Unit"),
        _("Quantity made"), _("Stock"), _("Shipped"), _("Scrapped"), _("Consumed"), _("Returned"),
        _("Unknown"), _("Quantities not said"), _("Reached from"), _("Proof"), _("Meant"), _("Why"),
    ]  # fmt: skip
    rows = [
        [
            line.distance, line.key, line.site, report.viewer.sites.get(line.site, line.site),
            items.get(line.lot, ""), line.devices, str(unit_word(line.balance.unit)) or _("pieces"),
            *map(_plain, (sums.made, sums.stock, sums.shipped, sums.scrapped, sums.consumed, sums.returned)),
            _plain(sums.unknown), sums.unsaid, numbers.get(line.via, ""), line.entry,
            *meant_words(line.meant, numbered=bool(line.ranges)),
        ]
        for line in told
        for sums in (line.balance,)
    ]  # fmt: skip
    return Table(_("Lots"), head, rows)


def consignees_table(report: Report) -> Table:
    """One row for each consignee, plant and unit: who is told of a recall, and of how much."""
    numbers = {line.lot: line.key for line in report.lines}
    head = [
        _("Consignee"), _("Region"), _("From plant"), _("Name"), _("Quantity"), _("Unit"),
        _("Of lots meant in part"), _("Lots"), _("Shipments"), _("First shipped"), _("Last shipped"),
        _("Told since"), _("Lot numbers"),
    ]  # fmt: skip
    rows = [
        [
            name_of(one), one.region, one.site, report.viewer.sites.get(one.site, one.site),
            float(one.quantity), str(unit_word(one.unit)) or _("pieces"), float(one.in_part), len(one.lots),
            one.shipments, str(one.first or ""), str(one.last or ""), float(one.since),
            ", ".join(sorted(numbers[lot] for lot in one.lots))[:CELL_MOST],
        ]
        for one in report.consigned
    ]  # fmt: skip
    return Table(_("Consignees"), head, rows)


def _shipment_lines(lots: Sequence[int]) -> list[Any]:
    model = catalogue()["shipment"].lines["lines"].model
    found = model._default_manager.filter(lot__in=lots, until=None, parent__voided=False)
    return list(
        found.select_related("lot", "parent", "parent__consignee").order_by("parent", "line")[:SHEET_MOST]
    )


def tables_of(report: Report) -> list[Table]:
    """Every table of the workbook."""
    lots = [line.lot for line in report.lines]
    sent = _shipment_lines(lots)
    meant = {line.lot: line.meant for line in report.lines}
    serials = Serial.objects.filter(lot__in=lots, voided=False).select_related("lot")[:SHEET_MOST]
    shipments = [
        [
            one.parent.key, one.parent.site, one.parent.consignee.key if one.parent.consignee else "",
            str(one.parent.shipped or ""), one.lot.key, float(one.quantity), one.first or "", one.last or "",
            str(unit_word(one.unit)) or _("pieces"), meant_words(meant[one.lot.num], numbered=True)[0],
            one.package or "", one.sscc or "",
        ]
        for one in sent
    ]  # fmt: skip
    numbered = [[one.lot.key, one.number] for one in serials]
    ranges = [
        [line.key, line.site, first, last, last - first + 1, first >> UNIT_BITS]
        for line in ordered(report.lines)
        for first, last in line.spans
    ]
    waiting = [
        [
            one["seq"],
            one["site"],
            one["type"],
            str(verdict_word(one["verdict"]).label),
            ", ".join(one["words"]),
        ]
        for one in report.perhaps
    ]
    return [
        lots_table(report),
        consignees_table(report),
        Table(
            _("Shipments"),
            [
                _("Shipment"), _("Plant"), _("Consignee"), _("Shipped on"), _("Lot number"), _("Quantity"),
                _("Serial number from"), _("Serial number to"), _("Unit"), _("Meant"),
                _("Package identifier"), _("Logistic unit (SSCC)"),
            ],
            shipments,
        ),
        Table(
            _("Devices"),
            [_("Lot number"), _("Plant"), _("Devices from"), _("To"), _("Devices"), _("Step record")],
            ranges,
        ),
        Table(_("Serial numbers"), [_("Lot number"), _("Serial number")], numbered),
        Table(
            _("Not yet admitted"),
            [_("Record"), _("Plant"), _("Type"), _("Verdict"), _("Words that name a lot")],
            waiting,
        ),
    ]  # fmt: skip


def workbook_of(report: Report) -> bytes:
    """The workbook: what was asked first, then a sheet for each table; no cell that would be run."""
    import xlsxwriter  # not carried by web processes that never need it

    target = io.BytesIO()
    with xlsxwriter.Workbook(target, OPTIONS) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        about = book.add_worksheet(_("About")[:31])
        about.set_column(0, 0, 24)
        about.set_column(1, 1, 90)
        for at, (name, text) in enumerate(report.about):
            about.write_string(at, 0, name, bold)
            about.write_string(at, 1, str(neutral(text)))
        for table in tables_of(report):
            fill_sheet(book, table.name, table.head, table.rows[:SHEET_MOST], still=2)
    return target.getvalue()


# -- EPCIS ------------------------------------------------------------------------------------


def _moment(viewer: Viewer, site: str, moment: dt.datetime | None, day: dt.date | None) -> When | None:
    """When it happened, in the plant's zone; a day alone is told as its noon."""
    zone = ZoneInfo(viewer.zones.get(site, "UTC"))
    if moment is not None:
        return When(moment.astimezone(zone))
    return When(dt.datetime.combine(day, NOON, zone)) if day is not None else None


def _quantity(number: Any) -> str:
    return "" if number is None else idle_free(Decimal(number)).replace(",", "")


def _steps(report: Report, edges: Iterable[trace.Edge], names: dict[int, Line]) -> list[dict[str, Any]]:
    inputs: dict[int, list[Thing]] = {}
    for edge in edges:
        parent = names[edge.parent]
        thing = Thing(parent.site, parent.key, quantity=_quantity(edge.quantity), unit=parent.balance.unit)
        inputs.setdefault(edge.step, []).append(thing)
    parts = {line.lot: line for line in report.lines if line.meant != "whole"}
    steps = {first >> UNIT_BITS for line in parts.values() for first, _last in line.spans}
    records = StepRecord.objects.filter(num__in=steps | inputs.keys(), voided=False)
    made = []
    for record in records.select_related("output_lot").order_by("num"):
        when = _moment(report.viewer, record.site, record.started, record.day)
        if when is None or record.output_lot is None:
            continue
        part = parts.get(record.output_lot.num)
        if part is not None and record.good is not None and record.num not in steps:
            continue  # what this record made of the lot is not meant
        out = Thing(record.site, record.output_lot.key, quantity=_quantity(record.good))
        made.append(
            transformation(
                object_=str(record.object), when=when, site=record.site,
                inputs=inputs.get(record.num, []), outputs=[out], record=record.entry,
                meant=part.meant if part else "",
                devices=f"{record.num << UNIT_BITS}+{record.good}" if part and record.good else "",
            )
        )  # fmt: skip
    return made


def _received(report: Report, lots: Sequence[int]) -> list[dict[str, Any]]:
    found = []
    for one in Receipt.objects.filter(lot__in=lots, voided=False).select_related("lot").order_by("num"):
        when = _moment(report.viewer, one.site, None, one.received)
        if when is not None:
            thing = Thing(one.site, one.lot.key, quantity=_quantity(one.quantity), unit=one.unit)
            found.append(
                observation(
                    object_=str(one.object), when=when, site=one.site, things=[thing], step="receiving",
                    senders_lot=one.partner_lot, record=one.entry,
                )
            )  # fmt: skip
    return found


def _shipped(report: Report, lots: Sequence[int]) -> list[dict[str, Any]]:
    by_shipment: dict[int, tuple[Shipment, list[Thing]]] = {}
    for one in _shipment_lines(lots):
        thing = Thing(one.lot.site, one.lot.key, quantity=_quantity(one.quantity), unit=one.unit)
        by_shipment.setdefault(one.parent.num, (one.parent, []))[1].append(thing)
    found = []
    for shipment, things in by_shipment.values():
        when = _moment(report.viewer, shipment.site, None, shipment.shipped)
        if when is not None:
            found.append(
                observation(
                    object_=str(shipment.object), when=when, site=shipment.site, things=things,
                    step="shipping", disposition="in_transit", record=shipment.entry,
                    shipment=f"{shipment.site}:{shipment.key}",
                    consignee=shipment.consignee.key if shipment.consignee else "",
                )
            )  # fmt: skip
    return found


def epcis_of(report: Report, *, created: dt.datetime) -> dict[str, Any]:
    """An EPCIS 2.0 document of what made, received and shipped the lots of the scope.

    Only lots of the scope stand in it. A record that states no time is left out: no event is without one.
    """
    names = {line.lot: line for line in report.lines}
    lots = sorted(names)
    edges = [edge for edge in trace.used_in(lots, most=EDGES_MOST) if edge.child in names]
    events = _steps(report, edges, names) + _received(report, lots) + _shipped(report, lots)
    return document(events, created=created)
