"""What a reader of one object asks first, in a line above its facts: figures that no field of it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Max, Min, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.inspection.models import Inspection, Result
from medloom.interfaces.web.columns import idle_free, object_address, unit_word
from medloom.interfaces.web.marks import OUT
from medloom.kernel.cursor import open_cursor
from medloom.materials.models import Hold, Lot, Serial
from medloom.production.models import Defect, StepRecord
from medloom.trace.accounts.queries import counted
from medloom.trace.scopes.balance import Balance, balances


@dataclass(frozen=True)
class Figure:
    """One figure: its name, its value as text, where more of it is, and `bad` or `good` where it says so."""

    label: str
    value: str
    unit: str = ""
    address: str = ""
    tone: str = ""


def glance_of(type_: str, row: Any) -> list[Figure]:
    """The figures of one object; none for a type that has no more than its fields."""
    draw = DRAWN.get(type_)
    return [] if draw is None else draw(row)


def _list(type_: str, **asked: str) -> str:
    return f"{reverse('web:list', args=[type_])}?{urlencode(asked)}"


def _lot(row: Any) -> list[Figure]:
    with open_cursor() as cursor:
        found = balances([row.num], counted(cursor, [row.num])).get(row.num, Balance())
    unit = str(unit_word(found.unit))
    told = [
        (_("Quantity made"), found.made),
        (_("Stock"), found.stock),
        (_("Shipped"), found.shipped),
        (_("Consumed"), found.consumed),
        (_("Scrapped"), found.scrapped),
        (_("Returned"), found.returned),
    ]
    figures = [Figure(str(label), idle_free(value), unit) for label, value in told if value]
    if figures and found.unknown:
        figures.append(Figure(_("Not accounted for"), idle_free(found.unknown), unit, tone="bad"))
    units = Serial.objects.filter(lot=row.num, voided=False).count()
    if units:
        figures.append(Figure(_("Serial numbers"), f"{units:,}", address=_list("serial", lot=row.key)))
    return figures + _measured(row)


def _measured(lot: Any) -> list[Figure]:
    """What inspections of a lot found, and where its part stands among the others."""
    told = Inspection.objects.filter(lot=lot.num, voided=False).aggregate(n=Count("num"))
    results = Result.objects.filter(lot=lot.num, voided=False)
    out = results.filter(OUT).values("characteristic").distinct().count()
    found = []
    if told["n"]:
        found.append(Figure(_("Inspections"), str(told["n"]), address=_list("inspection", lot=lot.key)))
    if told["n"] or out:
        tone = "bad" if out else "good"
        found.append(Figure(_("Characteristics out of limits"), str(out), tone=tone))
    if told["n"] and lot.item is not None:
        where = f"{reverse('web:measured')}?{urlencode({'site': lot.site, 'item': lot.item.key})}"
        found.append(Figure(_("Among the other parts"), _("Parts against limits"), address=where))
    return found


def _serial(row: Any) -> list[Figure]:
    lot = Lot.objects.filter(num=row.lot_id).select_related("item__device").first()
    if lot is None:
        return []
    found = [Figure(_("Disposition of the lot"), str(lot.get_state_display()))]
    holds = Hold.objects.filter(lot=lot.num, state="open", voided=False).count()
    if holds:
        address = _list("hold", lot=lot.key, state="open")
        found.append(Figure(_("Open holds"), str(holds), address=address, tone="bad"))
    if lot.item is not None:
        found.append(Figure(_("Item"), lot.item.key, address=object_address("item", lot.item.object)))
    device = lot.item.device if lot.item is not None else None
    if device is not None:
        label = reverse("web:label", args=[device.object])
        asked = urlencode({"lot": lot.key, "serial": row.number})
        found += [
            Figure(_("Device"), device.key, address=object_address("device", device.object)),
            Figure("UDI", _("Label"), address=f"{label}?{asked}"),
        ]
    return found + _measured(lot)


def _share(part: int, whole: int) -> str:
    return f"{Decimal(100 * part) / whole:.1f} %"


def _work_order(row: Any) -> list[Figure]:
    steps = StepRecord.objects.filter(work_order=row.num, voided=False).aggregate(
        n=Count("num"), total=Sum("total"), good=Sum("good"), first=Min("day"), last=Max("day"),
        lots=Count("output_lot", distinct=True),
    )  # fmt: skip
    if not steps["n"]:
        return []
    found = [Figure(_("Step records"), f"{steps['n']:,}", address=_list("step_record", work_order=row.key))]
    total, good = steps["total"] or 0, steps["good"] or 0
    if total:
        found += [Figure(_("Pieces made"), f"{total:,}"), Figure(_("Good pieces"), f"{good:,}")]
        found.append(Figure(_("Defective"), _share(total - good, total)))
    if row.quantity and total:
        found.append(Figure(_("Good pieces of those ordered"), _share(good, row.quantity)))
    found.append(Figure(_("Output lots"), str(steps["lots"])))
    found.append(Figure(_("Produced"), f"{steps['first']} … {steps['last']}"))
    return found


def _step_record(row: Any) -> list[Figure]:
    found = []
    defects = Defect.objects.filter(parent=row.num, until=None).aggregate(n=Sum("count"))["n"] or 0
    if row.total and row.good is not None:
        found.append(Figure(_("Good share"), _share(row.good, row.total)))
        found.append(Figure(_("Defective"), f"{row.total - row.good:,}"))
    if defects:
        found.append(Figure(_("Defects by class"), f"{defects:,}"))
    if row.shots and row.cavities and row.total:
        whole = row.shots * row.cavities
        tone = "good" if whole == row.total else "bad"
        found.append(Figure(_("Shots × cavities"), f"{whole:,}", tone=tone))
    return found


def _item(row: Any) -> list[Figure]:
    lots = Lot.objects.filter(item=row.num, voided=False).count()
    found = (
        [Figure(_("Lots"), f"{lots:,}", address=_list("lot", item=row.key, site=row.site))] if lots else []
    )
    inspections = Inspection.objects.filter(item=row.num, voided=False).count()
    if inspections:
        asked = urlencode({"site": row.site, "item": row.key})
        found.append(Figure(_("Inspections"), str(inspections), address=f"{reverse('web:measured')}?{asked}"))
    return found


def _device(row: Any) -> list[Figure]:
    lots = Lot.objects.filter(item__device=row.num, voided=False)
    units = Serial.objects.filter(lot__item__device=row.num, voided=False).count()
    count = lots.count()
    if not count:
        return []
    found = [Figure(_("Lots"), f"{count:,}"), Figure(_("Serial numbers"), f"{units:,}")]
    held = lots.filter(num__in=Hold.objects.filter(state="open", voided=False).values("lot_id")).count()
    if held:
        found.append(Figure(_("Lots on hold"), f"{held:,}", tone="bad"))
    return found


DRAWN: dict[str, Callable[[Any], list[Figure]]] = {
    "lot": _lot,
    "serial": _serial,
    "work_order": _work_order,
    "step_record": _step_record,
    "item": _item,
    "device": _device,
}
