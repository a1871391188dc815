"""One characteristic over its parts: control chart, limits, and what another laboratory says of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from medloom.inspection.control import LIMITS_LEAST, SETTLED_LEAST
from medloom.inspection.queries import parts_made
from medloom.inspection.rules import mean_and_spread
from medloom.interfaces.web.charting import (
    Charted,
    Order,
    Spread,
    charted,
    drawn,
    ordered,
    places_of,
    spread_of,
)
from medloom.interfaces.web.columns import object_address
from medloom.interfaces.web.measuring import Line, Matrix
from medloom.interfaces.web.viewer import viewer_of
from medloom.interfaces.web.views.measured import asked_item, matrix_of
from medloom.kernel.cursor import open_cursor

#: Characteristics of another laboratory that stand beside one.
BESIDE_MOST = 24


def show_characteristic(request: HttpRequest) -> HttpResponse:
    """One characteristic of one laboratory: its control chart, its figures, and its parts in order."""
    viewer = viewer_of(request)
    _items, asked = asked_item(request)
    if asked is None:
        raise Http404
    found = matrix_of(asked)
    laboratory, name = request.GET.get("laboratory", ""), request.GET.get("characteristic", "")
    line = next((x for x in found.lines if (x.laboratory, x.characteristic) == (laboratory, name)), None)
    if line is None:
        raise Http404
    beside, exact = _beside(found, line)
    order = _order(asked["site"], line, beside)
    own = charted(line, order.lots)
    others = [charted(other, order.lots) for other in beside] if exact else []
    spreads = {} if exact else {lot: spread_of(beside, lot) for lot in order.lots}
    context = {
        "asked": asked,
        "line": line,
        "own": own,
        "order": order,
        "zone": viewer.zones.get(asked["site"], "UTC"),
        "beside": [(other, _address(asked, other)) for other in beside],
        "exact": exact,
        "rows": _rows(found, order, own, beside if exact else [], spreads),
        "figures": _figures(own),
        "reasons": [reason_word(code, own) for code in own.capability.why_not],
        "rules": [(rule or "MR", rule_words()[rule]) for rule in own.rules],
        "limits_least": LIMITS_LEAST,
        "chart": _chart(order, own, others) | {"bars": _bars(order, beside, spreads)},
        "back": f"{reverse('web:measured')}?{urlencode({'site': asked['site'], 'item': asked['item']})}",
        "specification": object_address("specification", line.specification) if line.specification else "",
    }
    return render(request, "medloom/characteristic.html", context)


def _address(asked: dict[str, Any], line: Line) -> str:
    names = {
        "site": asked["site"],
        "item": asked["item"],
        "laboratory": line.laboratory,
        "characteristic": line.characteristic,
    }
    return f"{reverse('web:characteristic')}?{urlencode(names)}"


def _beside(found: Matrix, line: Line) -> tuple[list[Line], bool]:
    """Other laboratories' lines: of the same specification, else of the same kind and nominal."""
    subject = next((cell.row["subject"] for cell in line.by_lot.values()), "")
    others = [other for other in found.lines if other.laboratory != line.laboratory]
    exact = [other for other in others if _same(other, subject)]
    alike = [other for other in others if line.alike and other.alike == line.alike]
    return (exact or alike)[:BESIDE_MOST], bool(exact)


def _same(other: Line, subject: str) -> bool:
    return bool(subject) and any(cell.row["subject"] == subject for cell in other.by_lot.values())


def _order(site: str, line: Line, beside: list[Line]) -> Order:
    lots = {lot for each in (line, *beside) for lot in each.by_lot}
    measured: dict[str, dt.datetime] = {
        lot: cell.row["measured"] for lot, cell in line.by_lot.items() if cell.row["measured"]
    }
    with open_cursor() as cursor:
        return ordered(sorted(lots), parts_made(cursor, site, sorted(lots)), measured)


def _rows(
    found: Matrix, order: Order, own: Charted, beside: list[Line], spreads: dict[str, Spread | None]
) -> list[dict[str, Any]]:
    known, rows = own.by_lot, []
    places = places_of(
        [one.least for one in spreads.values() if one] + [one.most for one in spreads.values() if one]
    )
    for lot in order.lots:
        point, spread = known.get(lot), spreads.get(lot)
        rows.append(
            {
                "lot": lot,
                "address": found.addresses[lot],
                "time": order.times.get(lot),
                "point": point,
                "value": f"{point.cell.row['value']:.{own.places}f}" if point else "",
                "step": f"{point.step:.{own.places}f}" if point and point.step is not None else "",
                "others": [other.by_lot.get(lot) for other in beside],
                "spread": spread,
                "between": f"{spread.least:.{places}f} … {spread.most:.{places}f}" if spread else "",
            }
        )
    return rows


def rule_words() -> dict[int, str]:
    """What each rule says; 0 is the chart of moving ranges."""
    return {
        0: _("moving range above its control limit"),
        1: _("beyond a control limit"),
        2: _("nine in a row on one side of the mean"),
        3: _("six in a row steadily rising or falling"),
        4: _("fourteen in a row alternating up and down"),
    }


def reason_word(code: str, one: Charted) -> str:
    """Why an index of capability is not stated."""
    return {
        "few": _("%(count)s parts: at least %(least)s are needed.")
        % {"count": len(one.points), "least": SETTLED_LEAST},
        "no_limits": _("There are no limits to compare with."),
        "no_spread": _("The parts do not differ at all."),
        "coarse": _("Fewer than five different values: the gauge is too coarse for this spread."),
        "not_normal": _("The values are not normally distributed (Anderson-Darling, 5 %)."),
        "suspect": _("The limits themselves are suspect."),
        "unstable": _("The process is not stable: Cp and Cpk would promise what it does not keep."),
    }[code]


def _figures(own: Charted) -> list[tuple[object, str]]:
    """Mean, spread, limits and capability of the parts, as text."""
    line, chart, told = own.line, own.chart, own.capability
    values = [Decimal(point.cell.row["value"]) for point in own.points]
    found: list[tuple[object, str]] = [(_("Parts"), str(len(values))), (_("Out of limits"), str(line.out))]
    if len(values) < 2:
        return found
    mean, spread = mean_and_spread(values)
    more = own.places + 1
    found += [
        (_("Mean"), f"{mean:.{more}f} {line.unit}"),
        (_("Standard deviation"), f"{spread:.{more}f} {line.unit}"),
        (_("Specification"), f"{line.limits} {line.unit}"),
    ]
    if chart is not None:
        limits = f"{chart.low:.{more}f} … {chart.high:.{more}f} {line.unit}"
        found.append((_("Control limits"), limits))
    for label, value in (("Pp", told.pp), ("Ppk", told.ppk), ("Cp", told.cp)):
        if value is not None:
            found.append((label, f"{value:.2f}"))
    if told.cpk is not None and told.interval is not None:
        low, high = told.interval
        found.append((_("Cpk, 95 % interval"), f"{told.cpk:.2f} ({low:.2f} … {high:.2f})"))
    return found


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _bars(order: Order, beside: list[Line], spreads: dict[str, Spread | None]) -> dict[str, Any] | None:
    """Another laboratory's values of each part, from least to most, where its names are its own."""
    if not any(spreads.values()):
        return None
    words = ngettext("%(count)s of the same kind", "%(count)s of the same kind", len(beside))
    return {
        "name": f"{beside[0].laboratory} · {words % {'count': len(beside)}}",
        "values": [
            None if (one := spreads.get(lot)) is None else [float(one.least), float(one.most)]
            for lot in order.lots
        ],
    }


def _chart(order: Order, own: Charted, others: list[Charted]) -> dict[str, Any]:
    """What the page's script draws: parts on the x axis, one series for each line."""
    line = own.line
    named = [drawn(one, order.lots, name=f"{one.line.laboratory} · {one.line.characteristic}", own=False)
             for one in others]  # fmt: skip
    return {
        "lots": list(order.lots),
        "unit": line.unit,
        "nominal": _number(line.nominal),
        "low": _number(line.low),
        "high": _number(line.high),
        "rules": rule_words(),
        "words": {
            "nominal": _("Nominal"),
            "low": _("Lower tolerance limit"),
            "high": _("Upper tolerance limit"),
            "mean": _("Mean"),
            "lcl": _("Lower control limit"),
            "ucl": _("Upper control limit"),
            "range": _("Moving range"),
            "range_mean": _("Mean range"),
        },
        "series": [
            drawn(own, order.lots, name=f"{line.laboratory} · {line.characteristic}", own=True),
            *named,
        ],
    }
