"""The timeline of a machine: its states, runs, alarms and gaps as bars, and the same as rows."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from medloom.interfaces.web.columns import object_address
from medloom.interfaces.web.export import spreadsheet
from medloom.interfaces.web.listing import Question, day_of
from medloom.interfaces.web.machines import (
    COLUMNS_MOST,
    RUNS_MOST,
    STATUSES_MOST,
    TONES,
    WORDS,
    Shown,
    days_of,
    machines_heard,
    measured_lanes,
    names_of_pairs,
    programs_of,
    runs_of,
    spans,
    statuses_of,
)
from medloom.interfaces.web.viewer import now, viewer_of

#: Without a period asked for, so many days before the last state are shown.
DAYS = 14
DAYS_MOST = 92
SHOWN_MOST, RUNS_SHOWN = 20, 20
SAID = {
    "planned": gettext_lazy("planned"),
    "logged": gettext_lazy("logged"),
    "limits": gettext_lazy("limits"),
    "bad": gettext_lazy("contradicts"),
    "silent": gettext_lazy("not told"),
    "good": gettext_lazy("agrees"),
    "": gettext_lazy("not judged"),
}


def _period(query: Any, heard: dt.datetime, zone: ZoneInfo) -> tuple[dt.date, dt.date]:
    """First and last day, in the plant's zone."""
    last = day_of(query.get("period_until", "").strip())
    first = day_of(query.get("period", "").strip())
    if last is None:
        last = first or heard.astimezone(zone).date()
    if first is None:
        first = last - dt.timedelta(days=DAYS - 1)
    if last < first:
        first, last = last, first
    return max(first, last - dt.timedelta(days=DAYS_MOST - 1)), last


def show_timeline(request: HttpRequest) -> HttpResponse:
    """One machine and a period; `show` keeps the runs that contradict their plan, or tell nothing of it."""
    viewer, query = viewer_of(request), request.GET
    machines = machines_heard()
    if not machines:
        return render(request, "medloom/timeline.html", {"machines": []})
    asked = query.get("machine", "")
    machine = next((m for m in machines if str(m.object) == asked), machines[0])
    name = viewer.zones.get(machine.site, "UTC")
    zone = ZoneInfo(name)
    first_day, last_day = _period(query, machine.heard, zone)
    first = dt.datetime.combine(first_day, dt.time(), zone)
    last = min(
        dt.datetime.combine(last_day + dt.timedelta(days=1), dt.time(), zone), max(now(), machine.heard)
    )
    statuses = spans(statuses_of(machine.num, first, last), first=first, last=last)
    runs = runs_of(machine.num, first, last)
    show = query.get("show", "")
    shown = [run for run in runs if show not in ("contradicts", "silent") or getattr(run, show)]
    if query.get("export") == "xlsx":
        return _export(request, shown, name)
    columns = names_of_pairs(shown)[:COLUMNS_MOST]
    # What contradicts its plan stands first; among equals the newest.
    listed = sorted(shown, key=lambda run: (not run.contradicts, not run.silent, -run.record.num))
    choices = [(str(m.object), f"{m.key} · {viewer.sites.get(m.site, m.site)}") for m in machines]
    day = Question("period", _("Period"), "day", first_day.isoformat(), last_day.isoformat())
    context = {
        "machines": machines,
        "machine": machine,
        "plant": viewer.sites.get(machine.site, machine.site),
        "zone": name,
        "questions": [Question("machine", _("Machine"), "choice", str(machine.object), choices=choices), day],
        "kept": {"show": show} if show else {},
        "statuses": [_status(s, goes_on=s is statuses[-1]) for s in statuses[::-1][:SHOWN_MOST]],
        "more_statuses": max(0, len(statuses) - SHOWN_MOST),
        "cut": len(statuses) >= STATUSES_MOST or len(runs) >= RUNS_MOST,
        "parameters": columns,
        "runs": [_run(run, columns) for run in listed[:RUNS_SHOWN]],
        "more_runs": max(0, len(listed) - RUNS_SHOWN),
        "show": show,
        "contradicting": sum(run.contradicts for run in runs),
        "silent": sum(run.silent for run in runs),
        "all_runs": len(runs),
        "alarms": sum(bool(each["row"].alarm) for each in statuses),
        "gaps": sum(each["row"].status == "unknown" for each in statuses),
        "days": days_of(machine.num),
        "one_day": first_day if first_day == last_day else None,
        "legend": [(code, WORDS[code]) for code in TONES if any(s["row"].status == code for s in statuses)],
        "chart": _chart(statuses, shown, first, last, zone=name, near=bool(show)),
    }
    return render(request, "medloom/timeline.html", context)


def _status(each: dict[str, Any], *, goes_on: bool) -> dict[str, Any]:
    """A state as a row; nobody knows yet how long the last one lasts."""
    row = each["row"]
    return {
        "row": row,
        "goes_on": goes_on,
        "until": each["until"],
        "tone": TONES.get(row.status, ""),
        "word": WORDS.get(row.status, row.status),
        "lasted": _lasted(each["until"] - row.since),
        "address": object_address("equipment_status", row.object),
    }


def _lasted(span: dt.timedelta) -> str:
    """Hours, minutes and seconds; what is over within a second is told to the millisecond."""
    seconds = max(0.0, span.total_seconds())
    if 0 < seconds < 1:
        return f"{seconds:.3f} s"
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def _run(run: Shown, names: list[str]) -> dict[str, Any]:
    record = run.record
    by_name = {pair.name: pair for pair in run.pairs}
    return {
        "run": run,
        "row": record,
        "address": object_address("step_record", record.object),
        "lot": record.output_lot,
        "lot_address": object_address("lot", record.output_lot.object) if record.output_lot else "",
        "lasted": _lasted(record.ended - record.started),
        "pairs": [by_name.get(name) for name in names],
        "others": [pair for pair in run.pairs if pair.name not in names],
    }


def _chart(
    statuses: list[dict[str, Any]],
    runs: list[Shown],
    first: dt.datetime,
    last: dt.datetime,
    *,
    zone: str,
    near: bool,
) -> dict[str, Any]:
    """What the picture is drawn of: moments in milliseconds, words in the reader's language."""

    def ms(moment: dt.datetime) -> int:
        return int(moment.timestamp() * 1000)

    # Runs that were asked for fill the picture; else all that the machine told.
    states = [] if near and runs else statuses
    begun = min([s["begun"] for s in states] + [r.record.started for r in runs], default=first)
    ended = max([s["row"].since for s in states] + [r.record.ended for r in runs], default=last)
    margin = max((ended - begun) * 0.02, dt.timedelta(minutes=2))
    return {
        "zone": zone,
        "first": ms(max(first, begun - margin)),
        "last": ms(min(last, ended + margin)),
        "words": {code: str(word) for code, word in WORDS.items()},
        "lanes": [str(_("State")), str(_("Program")), str(_("Runs")), str(_("Alarms"))],
        "said": {name: str(word) for name, word in SAID.items()},
        # Moments of states count from the first one: there may be thousands of them.
        "zero": ms(first),
        "statuses": [
            [ms(s["begun"]) - ms(first), ms(s["until"]) - ms(first), s["row"].status, s["row"].cause or ""]
            for s in statuses
        ],
        "programs": [(ms(begun), ms(until), name) for begun, until, name in programs_of(statuses)],
        "runs": [
            [
                ms(r.record.started),
                ms(r.record.ended),
                r.record.output_lot.key if r.record.output_lot else r.record.key,
                "bad" if r.contradicts else "silent" if r.silent else "",
                str(r.record.object),
                r.record.program or "",
            ]
            for r in runs
        ],
        "alarms": [
            [ms(s["begun"]), s["row"].alarm, str(s["row"].object)] for s in statuses if s["row"].alarm
        ],
        "measured": _measured(runs),
        "run_address": reverse("web:list", args=["step_record"]),
        "alarm_address": reverse("web:list", args=["equipment_status"]),
    }


def _export(request: HttpRequest, runs: list[Shown], zone: str) -> HttpResponse:
    """One line for each parameter of each run: plan, log and how they agree."""
    head = [
        *(_("Step record"), _("Lot"), _("Started"), _("Ended"), _("Parameter")),
        *(_("As planned"), _("As logged"), _("Unit"), _("Plan and log")),
    ]
    place = ZoneInfo(zone)
    rows = [
        [
            *(run.record.key, run.record.output_lot.key if run.record.output_lot else ""),
            *(moment.astimezone(place).isoformat() for moment in (run.record.started, run.record.ended)),
            *(
                (pair.name, pair.planned, pair.logged, pair.unit, str(SAID[pair.tone]))
                if pair
                else ("", "", "", "", "")
            ),
        ]
        for run in runs
        for pair in (run.pairs or [None])
    ]
    return spreadsheet(request, name="runs", title=_("Runs"), head=head, rows=rows, count=len(rows))


def _measured(runs: list[Shown]) -> list[dict[str, Any]]:
    """A lane for each measured parameter: per run its value, target and limits, and how it was judged."""

    def number(value: Any) -> float | None:
        return None if value is None else float(value)

    order = {run.record.num: nth for nth, run in enumerate(runs)}
    return [
        {
            "name": f"{lane['name']} {lane['unit']}" if lane["unit"] != "1" else lane["name"],
            "points": [
                [
                    order[run.record.num],
                    *(number(v) for v in (pair.value, pair.target, pair.low, pair.high)),
                    pair.tone,
                ]
                for run, pair in lane["points"]
            ],
        }
        for lane in measured_lanes(runs)
    ]
