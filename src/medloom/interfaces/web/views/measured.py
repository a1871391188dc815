"""Parts against limits: every characteristic and part of an item, and the results of one inspection."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from medloom.inspection.models import Disagreement
from medloom.inspection.queries import (
    inspected_items,
    inspection_files,
    inspection_results,
    measured_parts,
)
from medloom.interfaces.web.charting import places_of
from medloom.interfaces.web.columns import idle_free
from medloom.interfaces.web.measuring import Matrix, matrix, span, tone_of
from medloom.interfaces.web.viewer import viewer_of
from medloom.kernel.cursor import open_cursor


def asked_item(request: HttpRequest) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
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


def matrix_of(asked: dict[str, Any]) -> Matrix:
    """Every characteristic and part of one item."""
    with open_cursor() as cursor:
        return matrix(measured_parts(cursor, asked["site"], asked["item"]))


def show_measured(request: HttpRequest) -> HttpResponse:
    """The matrix of one item: what is out, what is suspect, where two laboratories disagree."""
    viewer = viewer_of(request)
    items, asked = asked_item(request)
    context: dict[str, Any] = {"items": items, "asked": asked, "sites": viewer.sites}
    if asked is not None:
        found = matrix_of(asked)
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


def results_context(row: Any) -> dict[str, Any]:
    """The results of one inspection, for its page: each value with its limits and where it lies."""
    with open_cursor() as cursor:
        results = inspection_results(cursor, row.num)
    unit = results[0]["unit"] if results else ""
    places = places_of([one["value"] for one in results if one["unit"] == unit])
    told = [
        {
            **one,
            "tone": tone_of(one),
            "place": _place(one),
            "shown": f"{one['value']:.{places}f}" if one["unit"] == unit else idle_free(one["value"]),
            "chart": _chart_of(row, one),
            "limits": span(one["low"], one["high"]),
            "target": "–" if one["nominal"] is None else idle_free(one["nominal"]),
        }
        for one in results
    ]
    out = [one for one in told if one["tone"] in ("high", "low")]
    return {
        "results": sorted(told, key=lambda one: (one["tone"] not in ("high", "low"), one["key"])),
        "results_out": len(out),
        "results_stated": any(one["judged"] for one in results),
        "results_open": sum(one["tone"] == "open" for one in told),
        "matrix_address": f"{reverse('web:measured')}?site={row.site}&item={row.item.key}"
        if row.item
        else "",
    }


def _chart_of(row: Any, one: dict[str, Any]) -> str:
    """Where the characteristic is drawn over all parts; "" without what that page is asked by."""
    if row.item is None or not row.laboratory or not one["characteristic"]:
        return ""
    asked = {"site": row.site, "item": row.item.key, "laboratory": row.laboratory}
    return f"{reverse('web:characteristic')}?{urlencode(asked | {'characteristic': one['characteristic']})}"


def _place(one: dict[str, Any]) -> str:
    """Where the value lies between its limits, in per cent of the width drawn; "" with one side open.

    A form or position that is nought at best is open below only in writing: nought is its lower end.
    """
    low, high = one["low"], one["high"]
    if low is None and one["nominal"] == 0 and one["value"] >= 0:
        low = Decimal(0)
    if low is None or high is None or high <= low:
        return ""
    share = (one["value"] - low) / (high - low)
    return idle_free(round(Decimal(25) + 50 * min(max(share, Decimal("-0.45")), Decimal("1.45")), 1))
