"""Parts against limits: every characteristic and part of an item, and one characteristic as a chart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.inspection.models import Disagreement
from medloom.inspection.queries import (
    inspected_items,
    inspection_files,
    inspection_results,
    measured_parts,
)
from medloom.inspection.rules import mean_and_spread
from medloom.interfaces.web.columns import idle_free, object_address
from medloom.interfaces.web.measuring import Line, Matrix, matrix, span, tone_of
from medloom.interfaces.web.viewer import viewer_of
from medloom.kernel.cursor import open_cursor

#: Lines of another laboratory drawn beside one characteristic.
BESIDE_MOST = 24


def _asked(request: HttpRequest) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The items that were inspected, and the one asked for: the first of them without a question."""
    with open_cursor() as cursor:
        items = inspected_items(cursor)
    site, item = request.GET.get("site", ""), request.GET.get("item", "")
    if not site and not item:
        # The item with most inspections is what most people come for.
        return items, max(items, key=lambda one: one["inspections"], default=None)
    found = next((one for one in items if (one["site"], one["item"]) == (site, item)), None)
    if found is None:
        raise Http404
    return items, found


def _matrix(asked: dict[str, Any]) -> Matrix:
    with open_cursor() as cursor:
        return matrix(measured_parts(cursor, asked["site"], asked["item"]))


def show_measured(request: HttpRequest) -> HttpResponse:
    """The matrix of one item: what is out, what is suspect, where two laboratories disagree."""
    viewer = viewer_of(request)
    items, asked = _asked(request)
    context: dict[str, Any] = {"items": items, "asked": asked, "sites": viewer.sites}
    if asked is not None:
        found = _matrix(asked)
        whole = request.GET.get("show") == "all"
        with open_cursor() as cursor:
            files = inspection_files(cursor, asked["site"], asked["item"])
        context |= {
            "matrix": found,
            "whole": whole,
            "lines": [line for line in found.lines if whole or line.out],
            "hidden": sum(1 for line in found.lines if not line.out),
            "files": files,
            "disagreements": Disagreement.objects.filter(
                site=asked["site"], item__key=asked["item"], voided=False
            ).order_by("-state", "key"),
            "plant": viewer.sites.get(asked["site"], asked["site"]),
            "zone": viewer.zones.get(asked["site"], "UTC"),
        }
    return render(request, "medloom/measured.html", context)


def show_characteristic(request: HttpRequest) -> HttpResponse:
    """One characteristic: each part's value against nominal and limits, two laboratories side by side."""
    _items, asked = _asked(request)
    if asked is None:
        raise Http404
    found = _matrix(asked)
    laboratory, name = request.GET.get("laboratory", ""), request.GET.get("characteristic", "")
    line = next((x for x in found.lines if (x.laboratory, x.characteristic) == (laboratory, name)), None)
    if line is None:
        raise Http404
    subject = next((cell.row["subject"] for cell in line.by_lot.values()), "")
    beside = [
        other
        for other in found.lines
        if other.laboratory != line.laboratory and (_same(other, subject) or _alike(other, line))
    ]
    exact = [other for other in beside if _same(other, subject)]
    beside = (exact or beside)[:BESIDE_MOST]
    context = {
        "asked": asked,
        "line": line,
        "beside": beside,
        "exact": bool(exact),
        "rows": [
            (lot, found.addresses[lot], line.by_lot.get(lot), [other.by_lot.get(lot) for other in beside])
            for lot in found.lots
        ],
        "figures": _figures(line),
        "chart": _chart(found, line, beside),
        "back": f"{reverse('web:measured')}?site={asked['site']}&item={asked['item']}",
        "specification": object_address("specification", line.specification) if line.specification else "",
    }
    return render(request, "medloom/characteristic.html", context)


def _same(other: Line, subject: str) -> bool:
    return bool(subject) and any(cell.row["subject"] == subject for cell in other.by_lot.values())


def _alike(other: Line, line: Line) -> bool:
    return bool(line.alike) and other.alike == line.alike


def _figures(line: Line) -> list[tuple[object, str]]:
    """Mean, spread and capability of the parts, as text."""
    values = [cell.row["value"] for cell in line.by_lot.values()]
    found: list[tuple[object, str]] = [(_("Parts"), str(len(values))), (_("Out of limits"), str(line.out))]
    if len(values) < 2:
        return found
    mean, spread = mean_and_spread(values)
    found += [
        (_("Mean"), f"{mean:.4f} {line.unit}"),
        (_("Standard deviation"), f"{spread:.4f} {line.unit}"),
    ]
    sides = [
        line.high - mean if line.high is not None else None,
        mean - line.low if line.low is not None else None,
    ]
    known = [side for side in sides if side is not None]
    if spread and known:
        found.append((_("Ppk"), f"{min(known) / (3 * spread):.2f}"))
    return found


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _chart(found: Matrix, line: Line, beside: list[Line]) -> dict[str, Any]:
    """What the page's script draws: parts on the x axis, one series for each line."""

    def values(one: Line) -> list[float | None]:
        return [None if c is None else float(c.row["value"]) for c in (one.by_lot.get(n) for n in found.lots)]

    return {
        "lots": list(found.lots),
        "unit": line.unit,
        "nominal": _number(line.nominal),
        "low": _number(line.low),
        "high": _number(line.high),
        "words": {"nominal": _("Nominal"), "low": _("Lower limit"), "high": _("Upper limit")},
        "first": {"name": f"{line.laboratory} · {line.characteristic}", "values": values(line)},
        "others": [
            {"name": f"{one.laboratory} · {one.characteristic}", "values": values(one)} for one in beside
        ],
    }


def results_context(row: Any) -> dict[str, Any]:
    """The results of one inspection, for its page: each value with its limits and where it lies."""
    with open_cursor() as cursor:
        results = inspection_results(cursor, row.num)
    told = [
        {
            **one,
            "tone": tone_of(one),
            "place": _place(one),
            "limits": span(one["low"], one["high"]),
            "target": "–" if one["nominal"] is None else idle_free(one["nominal"]),
        }
        for one in results
    ]
    out = [one for one in told if one["tone"] in ("high", "low")]
    return {
        "results": sorted(told, key=lambda one: (one["tone"] not in ("high", "low"), one["key"])),
        "results_out": len(out),
        "results_open": sum(one["tone"] == "open" for one in told),
        "matrix_address": f"{reverse('web:measured')}?site={row.site}&item={row.item.key}"
        if row.item
        else "",
    }


def _place(one: dict[str, Any]) -> str:
    """Where the value lies between its limits, in per cent of the width drawn; "" with one side open."""
    low, high = one["low"], one["high"]
    if low is None or high is None or high <= low:
        return ""
    share = (one["value"] - low) / (high - low)
    return idle_free(round(Decimal(25) + 50 * min(max(share, Decimal("-0.45")), Decimal("1.45")), 1))
