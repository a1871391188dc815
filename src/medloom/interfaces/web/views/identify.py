"""UDI at the pages: scan or type one and the device, lot or unit behind it opens; print a label."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from medloom.design.models import Device, DevicePackage
from medloom.design.udi import Udi, UdiRefused, build_gs1, parse_udi, unseparated
from medloom.interfaces.web.carrier import drawn
from medloom.interfaces.web.columns import object_address
from medloom.interfaces.web.labelprint import elements, print_label
from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.scopeprint import FontMissing
from medloom.interfaces.web.viewer import viewer_of
from medloom.interfaces.web.views.lists import chapter_of, title_of
from medloom.interfaces.web.views.objects import declared_of, row_of
from medloom.materials.models import Lot, Serial, Shipment, ShipmentLine

FOUND_MOST = 20
#: Files of a label, with their content types.
LABEL_FORMS = {"svg": "image/svg+xml", "pdf": "application/pdf"}


def scan(request: HttpRequest) -> HttpResponse:
    """Take a UDI apart and open what it names; several, or only a part of it, are shown to choose from."""
    text = request.GET.get("q", "").strip()
    context: dict[str, Any] = {"text": text, "chapter": chapter_of("device")}
    if not text:
        return render(request, "medloom/udi.html", context)
    try:
        udi, found = resolved(text)
    except UdiRefused as refused:
        context["refusal"] = refused.refusal
        return render(request, "medloom/udi.html", context, status=422)
    viewer = viewer_of(request)
    if len(found) == 1 and "stay" not in request.GET:
        return HttpResponseRedirect(object_address(found[0][0], found[0][1].object))
    context |= {
        "udi": udi,
        "found": [
            {
                "title": title_of(type_),
                "row": row,
                "address": object_address(type_, row.object),
                "plant": viewer.sites.get(row.site, row.site),
            }
            for type_, row in found
        ],
    }
    return render(request, "medloom/udi.html", context)


def address_behind(text: str) -> str:
    """Where the device, lot or unit behind a UDI is; the page of codes for several or a wrong one; else "".

    A number that only happens to be one of digits is not taken for a code unless a device here has it.
    """
    marked = re.match(r"\s*(\(01\)|\]d2|\]C1|\x1d|01[0-9]{14}|\+[A-Z])", text)
    if not marked and not re.fullmatch(r"\s*([0-9]{8}|[0-9]{12,14})\s*", text):
        return ""
    try:
        _udi, found = resolved(text)
    except UdiRefused:
        return f"{reverse('web:udi')}?{urlencode({'q': text})}" if marked and marked[1][0] != "+" else ""
    if len(found) == 1:
        return object_address(found[0][0], found[0][1].object)
    return f"{reverse('web:udi')}?{urlencode({'q': text})}" if marked or found else ""


def resolved(text: str) -> tuple[Udi, list[tuple[str, Any]]]:
    """A UDI as it was scanned or typed, and what it names here.

    Where a scanner dropped the separators a text can be read in several ways: the way that names most of what
    is known here counts. Raises UdiRefused.
    """
    others = unseparated(text)
    try:
        best = parse_udi(text)
    except UdiRefused:
        if not others:
            raise
        best = others[0]
    found = behind(best)
    for other in others:
        more = behind(other)
        if _depth(more) > _depth(found):
            best, found = other, more
    return best, found


def _depth(found: list[tuple[str, Any]]) -> int:
    """How exact an answer is: a unit more than its lot, a lot more than its device."""
    return ("device", "lot", "serial").index(found[0][0]) + 1 if found and found[0][0] != "shipment" else 0


def behind(udi: Udi) -> list[tuple[str, Any]]:
    """What a UDI names as exactly as it is known here: the unit, else its lot, else the device.

    A lot belongs to the device when its item does; a plant that has not said so is found by its lot number.
    """
    if udi.sscc and not udi.di:
        nums = ShipmentLine.objects.filter(sscc=udi.sscc, until=None).values_list("parent", flat=True)
        return [("shipment", row) for row in Shipment.objects.filter(num__in=list(nums)[:FOUND_MOST])]
    device = device_of(udi.di)
    lots = []
    if udi.lot:
        named = Lot.objects.filter(key=udi.lot, voided=False).select_related("item")[: 4 * FOUND_MOST]
        lots = [lot for lot in named if lot.item is None or lot.item.device_id in (None, _num(device))]
        lots = [lot for lot in lots if lot.item and lot.item.device_id] or lots
    if udi.serial:
        serials = Serial.objects.filter(number=udi.serial, voided=False)
        if lots:
            serials = serials.filter(lot__in=[lot.num for lot in lots])
        else:
            serials = serials.filter(lot__item__device=_num(device) or 0)
        if units := list(serials[:FOUND_MOST]):
            return [("serial", row) for row in units]
    if lots:
        return [("lot", row) for row in lots[:FOUND_MOST]]
    return [("device", device)] if device is not None else []


def _num(device: Any) -> int | None:
    return device.num if device is not None else None


def device_of(di: str) -> Any:
    """The device with that identifier, its own or that of one of its packages; None for an unknown one."""
    own = Device.objects.filter(site="", key=di).first()
    if own is not None:
        return own
    line = DevicePackage.objects.filter(di=di, until=None).first()
    return None if line is None else Device.objects.filter(num=line.parent_id).first()


def label(request: HttpRequest, object_: Any) -> HttpResponse:
    """A label to print: DataMatrix and the same in words; filled in from a lot that the address names."""
    row = row_of(declared_of("device"), object_)
    lot = Lot.objects.filter(key=request.GET.get("lot", ""), item__device=row.num).first()
    given = {
        "lot": request.GET.get("lot", ""),
        "serial": request.GET.get("serial", ""),
        "expires": request.GET.get("expires", "") or (lot.expires or "" if lot else ""),
        "made": request.GET.get("made", ""),
    }
    context: dict[str, Any] = {
        "row": row,
        "given": given,
        "back": object_address("device", row.object),
        "chapter": chapter_of("device"),
        "list_title": title_of("device"),
        "must": _musts(row, given),
    }
    try:
        text = build_gs1(Udi("GS1", row.di, **{n: v.strip() for n, v in given.items()}))
    except UdiRefused as refused:
        context["refusal"] = refused.refusal
        return render(request, "medloom/label.html", context, status=422)
    context["lines"] = elements(text)
    svg = drawn(text, title=f"DataMatrix {row.di}")
    context["carrier"] = mark_safe(svg)  # noqa: S308 (squares and the checked identifier)
    form = request.GET.get("as", "")
    return _file(row, text, form) if form in LABEL_FORMS else render(request, "medloom/label.html", context)


def _file(row: Any, text: str, form: str) -> HttpResponse:
    """The label as a file: the symbol alone (svg), or symbol and words (pdf)."""
    try:
        body = (
            drawn(text, title=f"DataMatrix {row.di}").encode()
            if form == "svg"
            else print_label(text, di=row.di, words=[row.brand or "", row.model or ""], note=row.remark or "")
        )
    except FontMissing:
        raise Problem(503, "letters_missing", expected="make assets") from None
    answer = HttpResponse(body, content_type=LABEL_FORMS[form])
    answer["Content-Disposition"] = f'attachment; filename="udi-{row.di}.{form}"'
    return answer


def _musts(row: Any, given: dict[str, str]) -> list[str]:
    """What the catalogue says must stand on the label and is not filled in."""
    wanted = {
        "lot": (row.lot_marked, _("lot number")),
        "serial": (row.serial_marked, _("serial number")),
        "expires": (row.expiry_marked, _("expiry date")),
        "made": (row.made_marked, _("manufacturing date")),
    }
    return [str(word) for name, (must, word) in wanted.items() if must and not given[name]]
