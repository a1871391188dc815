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
from medloom.interfaces.web.consigning import name_of, undated
from medloom.interfaces.web.export import OPTIONS, fill_sheet, neutral
from medloom.interfaces.web.scopewords import meant_words
from medloom.interfaces.web.viewer import Viewer
from medloom.interfaces.web.words import verdict_word
from medloom.materials.models import Lot, Move, Receipt, Serial, Shipment
from medloom.production.models import StepRecord
from medloom.trace import queries as trace
from medloom.trace.frozen.handed import RETURNED, SHIPPED, TAKEN, Handed
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
    handed: Sequence[Handed] = ()


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
        _("Told since"), _("Lot numbers"), _("Came back"), _("Still out there"),
    ]  # fmt: skip
    rows = [
        [
            name_of(one), one.region, one.site, report.viewer.sites.get(one.site, one.site),
            float(one.quantity), str(unit_word(one.unit)) or _("pieces"), float(one.in_part), len(one.lots),
            one.shipments, str(one.first or ""), str(one.last or ""), float(one.since),
            ", ".join(sorted(numbers[lot] for lot in one.lots))[:CELL_MOST],
            float(one.returned), "" if one.nameless else float(one.left),
        ]
        for one in report.consigned
    ]  # fmt: skip
    return Table(_("Consignees"), head, rows)


def shipments_table(report: Report) -> Table:
    """One row for each line of a shipment, and for each delivery that another plant took in."""
    meant = {line.lot: line.meant for line in report.lines}
    head = [
        _("Shipment"), _("Plant"), _("Consignee"), _("Shipped on"), _("Lot number"), _("Quantity"),
        _("Serial number from"), _("Serial number to"), _("Unit"), _("Meant"),
        _("Package identifier"), _("Logistic unit (SSCC)"), _("Proof"),
    ]  # fmt: skip
    rows = [
        [
            one.number, one.site, one.consignee or (_taken_in(one) if one.kind == TAKEN else ""),
            str(one.day or ""), one.key, float(one.quantity), one.first, one.last,
            str(unit_word(one.unit)) or _("pieces"), meant_words(meant[one.lot], numbered=True)[0],
            one.package, one.sscc, one.entry,
        ]
        for one in _by_number(report, SHIPPED, TAKEN)
    ]  # fmt: skip
    return Table(_("Shipments"), head, rows)


def _taken_in(one: Handed) -> str:
    return _("taken in by plant %(plant)s") % {"plant": one.site}


def returns_table(report: Report) -> Table:
    """One row for each move that says what came back, and from whom where it does."""
    head = [
        _("Move number"), _("Plant"), _("Returned by"), _("Moved on"), _("Lot number"), _("Quantity"),
        _("Unit"), _("Proof"),
    ]  # fmt: skip
    rows = [
        [
            one.number, one.site, one.consignee, str(one.day or ""), one.key, float(one.quantity),
            str(unit_word(one.unit)) or _("pieces"), one.entry,
        ]
        for one in _by_number(report, RETURNED)
    ]  # fmt: skip
    return Table(_("Returns"), head, rows)


def _by_number(report: Report, *kinds: str) -> list[Handed]:
    mine = [one for one in report.handed if one.kind in kinds]
    return sorted(mine, key=lambda one: (one.kind, one.site, one.number, one.key, one.first))


def tables_of(report: Report) -> list[Table]:
    """Every table of the workbook."""
    lots = [line.lot for line in report.lines]
    serials = Serial.objects.filter(lot__in=lots, voided=False).select_related("lot")[:SHEET_MOST]
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
        shipments_table(report),
        returns_table(report),
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


def _handed_events(report: Report, kind: str, model: Any) -> list[dict[str, Any]]:
    """Shipments, and what came back, as the scope has them: those kept with a frozen one."""
    by_record: dict[int, list[Handed]] = {}
    for one in report.handed:
        if one.kind == kind:
            by_record.setdefault(one.record, []).append(one)
    objects = dict(model.objects.filter(num__in=by_record).values_list("num", "object"))
    found = []
    for record, lines in sorted(by_record.items()):
        first = lines[0]
        when = _moment(report.viewer, first.site, None, first.day)
        if when is None or record not in objects:
            continue
        things = [Thing(one.home, one.key, quantity=_quantity(one.quantity), unit=one.unit) for one in lines]
        common = {"object_": str(objects[record]), "when": when, "site": first.site, "things": things}
        if kind == SHIPPED:
            told = observation(
                **common, step="shipping", disposition="in_transit", record=first.entry,
                shipment=f"{first.site}:{first.number}", consignee=first.consignee,
            )  # fmt: skip
        else:
            told = observation(
                **common, step="receiving", disposition="returned", record=first.entry, sender=first.consignee
            )
        found.append(told)
    return found


def epcis_of(report: Report, *, created: dt.datetime) -> dict[str, Any]:
    """An EPCIS 2.0 document of what made, received and shipped the lots of the scope.

    Only lots of the scope stand in it. No event is without a time: a record that states no day is left out
    and counted in `medloom:leftOut`, an extension of the document.
    """
    names = {line.lot: line for line in report.lines}
    lots = sorted(names)
    edges = [edge for edge in trace.used_in(lots, most=EDGES_MOST) if edge.child in names]
    events = _steps(report, edges, names) + _received(report, lots)
    events += _handed_events(report, SHIPPED, Shipment) + _handed_events(report, RETURNED, Move)
    return document(events, created=created, left_out=undated(report.handed, lots))
