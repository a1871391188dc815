"""The guided tour: steps through what is really there. Every step is found by a query, never written down.

On generated data and on real files alike a step appears when there is something to see, with its count; what
is not there is no step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from medloom.governance import queries as asked
from medloom.inspection.queries import inspected_items
from medloom.interfaces.web import queries
from medloom.interfaces.web.machines import machines_heard
from medloom.interfaces.web.viewer import Viewer
from medloom.interfaces.web.words import cause_of
from medloom.kernel.cursor import open_cursor

#: Findings that say that what was done is not what was planned.
AGAINST_PLAN = ("wrong_revision", "revision_not_effective")
#: Findings of a machine's log: one step for a plant, since the timeline shows log and plan of each run.
LOGGED = ("parameter_differs", "parameter_out_of_limits")
STEPS_MOST = 10
#: Key of the session: the step that is shown, or OFF when the person has dismissed the tour.
KEY, OFF = "tour", "off"


@dataclass(frozen=True)
class Stop:
    """One step: what there is to see, why it matters, where."""

    name: str
    title: str
    said: str
    address: str


def stops_of(viewer: Viewer) -> list[Stop]:
    """The steps that there are for this person now, most telling first."""
    return list(_stops(viewer))[:STEPS_MOST]


def _stops(viewer: Viewer) -> Iterator[Stop]:
    held = asked.held_by_finding()
    yield from _limits(viewer, held)
    yield from _logs(viewer, held)
    yield from _plan(viewer, held)
    figures = asked.open_figures()
    quarrels = sum(one.get("disagreements", 0) for one in figures.values())
    if quarrels:
        title = ngettext(
            "%(n)s part on which two laboratories disagree",
            "%(n)s parts on which two laboratories disagree",
            quarrels,
        )
        said = _("Both results stand side by side; a person decides which one counts.")
        yield Stop(
            "labs", title % {"n": quarrels}, said, f"{reverse('web:list', args=['disagreement'])}?state=open"
        )
    counts = queries.waiting_counts()
    if counts["conflicts"]:
        title = ngettext(
            "%(n)s value that both sides changed", "%(n)s values that both sides changed", counts["conflicts"]
        )
        said = _("Nothing was overwritten: both values wait for a decision.")
        yield Stop("conflicts", title % {"n": counts["conflicts"]}, said, reverse("web:conflicts"))
    if counts["repair"]:
        title = ngettext(
            "%(n)s row that was not admitted", "%(n)s rows that were not admitted", counts["repair"]
        )
        said = _("Each waits with its bytes, the cell at fault and a proposal.")
        yield Stop("repair", title % {"n": counts["repair"]}, said, reverse("web:repair"))
    alerts = asked.open_alerts()
    if alerts:
        title = ngettext(
            "%(n)s alert about the data itself", "%(n)s alerts about the data itself", len(alerts)
        )
        said = _("A feed that is late, has changed its form, or breaks a rule.")
        address = f"{reverse('web:list', args=['alert'])}?state=raised,acknowledged"
        yield Stop("alerts", title % {"n": len(alerts)}, said, address)
    yield Stop(
        "map",
        str(_("Where all this comes from")),
        str(_("Source, feed, type and reader of every kind of data, and whether it is here in time.")),
        reverse("web:map"),
    )


def _address(row: dict[str, Any]) -> str:
    return f"{reverse('web:findings')}?{urlencode({'site': row['site'], 'code': row['code']})}"


def _limits(viewer: Viewer, held: list[dict[str, Any]]) -> Iterator[Stop]:
    with open_cursor() as cursor:
        items = inspected_items(cursor)
    for row in held:
        if row["code"] == "out_of_limits":
            title = ngettext(
                "%(n)s lot outside its limits at %(plant)s",
                "%(n)s lots outside their limits at %(plant)s",
                row["lots"],
            )
            said = _("Measured values beside the limits they were judged by; each lot is held.")
            plant = viewer.sites.get(row["site"], row["site"])
            address = _address(row)
            # Where whole parts were inspected they stand beside each other; a limit that none keeps is apart.
            most = max((i["inspections"] for i in items if i["site"] == row["site"]), default=0)
            for item in items:
                if most and (item["site"], item["inspections"]) == (row["site"], most):
                    said = _("What is too large stands first; a limit that every part breaks is told apart.")
                    named = {"site": item["site"], "item": item["item"]}
                    address = f"{reverse('web:measured')}?{urlencode(named)}"
                    break
            yield Stop(f"limits-{row['site']}", title % {"n": row["lots"], "plant": plant}, said, address)


def _logs(viewer: Viewer, held: list[dict[str, Any]]) -> Iterator[Stop]:
    codes: dict[str, list[dict[str, Any]]] = {}
    for row in held:
        if row["code"] in LOGGED:
            codes.setdefault(row["site"], []).append(row)
    machines = machines_heard() if codes else []
    for site, rows in codes.items():
        lots = {lot["num"] for row in rows for lot in asked.held_lots(site=site, code=row["code"])}
        title = ngettext(
            "%(n)s lot whose machine log contradicts the plan at %(plant)s",
            "%(n)s lots whose machine log contradicts the plan at %(plant)s",
            len(lots),
        )
        machine = next((each for each in machines if each.site == site), None)
        address = _address(rows[0])
        if machine is not None:
            named = {"machine": str(machine.object), "show": "contradicts"}
            address = f"{reverse('web:timeline')}?{urlencode(named)}"
        said = _("What the machine said of itself, and below it what was planned; the lots are held.")
        plant = viewer.sites.get(site, site)
        yield Stop(f"log-{site}", title % {"n": len(lots), "plant": plant}, said, address)


def _plan(viewer: Viewer, held: list[dict[str, Any]]) -> Iterator[Stop]:
    for row in held:
        if row["code"] in AGAINST_PLAN:
            title = ngettext(
                "%(n)s lot made against the plan at %(plant)s",
                "%(n)s lots made against the plan at %(plant)s",
                row["lots"],
            )
            plant = viewer.sites.get(row["site"], row["site"])
            said = _("%(cause)s: what was done is set beside what was released.")
            yield Stop(
                f"plan-{row['site']}-{row['code']}",
                title % {"n": row["lots"], "plant": plant},
                said % {"cause": cause_of(row["code"]).label},
                _address(row),
            )


def tour_of(request: HttpRequest, viewer: Viewer) -> dict[str, Any] | None:
    """The bar of a running tour, or None; asked for on every page, so nothing is queried unless it runs."""
    at = request.session.get(KEY)
    if at is None or at == OFF:
        return None
    stops = stops_of(viewer)
    at = max(0, min(int(at), len(stops) - 1))
    return {
        "stop": stops[at],
        "number": at + 1,
        "of": len(stops),
        "last": at + 1 == len(stops),
        "first": at == 0,
    }
