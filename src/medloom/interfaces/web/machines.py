"""What the timeline of one machine shows: its states, its runs, and for each run the plan beside the log."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from medloom.design.models import Equipment, Parameter
from medloom.design.rules import limits_text
from medloom.kernel.models import Entry
from medloom.production.models import MACHINE_STATES, EquipmentStatus, Reading, StepRecord

#: What makes a run contradict its plan, and what only says that the machine told nothing of it.
CONTRADICTS = frozenset({"parameter_out_of_limits", "parameter_differs", "unit_differs", "wrong_revision"})
SILENT = frozenset({"parameter_missing"})
STATUSES_MOST, RUNS_MOST = 2_000, 500
DAYS_SHOWN = 10
TONES = {
    "active": "good",
    "interrupted": "warn",
    "stopped": "warn",
    "ready": "info",
    "completed": "doing",
    "setup": "info",
    "aborted": "bad",
    "offline": "",
    "unknown": "held",
}
WORDS: Mapping[str, Any] = dict(MACHINE_STATES)


@dataclass(frozen=True)
class Pair:
    """One parameter of a run: what was planned, what was logged, and the finding on it, "" for none.

    judged  whether the plan has limits or words at all
    value, low, high, target  the same as numbers, where they are numbers of one unit
    """

    name: str
    planned: str
    logged: str
    unit: str
    finding: str = ""
    judged: bool = True
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    target: Decimal | None = None

    @property
    def tone(self) -> str:
        """How it is drawn: bad, silent, good, or "" when nothing was there to judge it by."""
        if self.finding:
            return "silent" if self.finding in SILENT else "bad"
        return "good" if self.judged and self.logged else ""

    @property
    def lines(self) -> list[str]:
        """The plan, each permitted word on a line of its own."""
        return self.planned.split(" | ")


@dataclass
class Shown:
    """One run of the timeline."""

    record: StepRecord
    pairs: list[Pair] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def contradicts(self) -> bool:
        """Whether plan and log say different things."""
        return bool(CONTRADICTS.intersection(self.findings))

    @property
    def silent(self) -> bool:
        """Whether the log says nothing of something planned."""
        return not self.contradicts and bool(SILENT.intersection(self.findings))


def machines_heard() -> list[Any]:
    """Machines that have told any state, the one heard last first; `heard` is when."""
    newest = EquipmentStatus.objects.filter(machine=OuterRef("num"), voided=False).order_by("-since")
    return list(
        Equipment.objects.filter(Exists(newest))
        .annotate(heard=Subquery(newest.values("since")[:1]))
        .order_by("-heard", "num")
    )


def statuses_of(machine: int, first: dt.datetime, last: dt.datetime) -> list[Any]:
    """Its states in the period, and the one it came into the period with; in the order of time."""
    rows = EquipmentStatus.objects.filter(machine=machine, voided=False)
    inside = list(rows.filter(since__gte=first, since__lt=last).order_by("-since", "-num")[:STATUSES_MOST])
    if len(inside) < STATUSES_MOST:
        inside += rows.filter(since__lt=first).order_by("-since", "-num")[:1]
    return inside[::-1]


def runs_of(machine: int, first: dt.datetime, last: dt.datetime) -> list[Shown]:
    """Its runs that touch the period, with findings and with plan and log side by side."""
    rows = StepRecord.objects.filter(machine=machine, voided=False, started__lt=last, ended__gte=first)
    records = list(rows.select_related("output_lot").order_by("-started", "-num")[:RUNS_MOST])[::-1]
    found = _findings(record.entry for record in records)
    readings: dict[int, list[Reading]] = {}
    for reading in Reading.objects.filter(parent__in=[r.num for r in records], until__isnull=True):
        readings.setdefault(reading.parent_id, []).append(reading)
    names = {reading.name for each in readings.values() for reading in each}
    sites = {record.site for record in records}
    planned: dict[tuple[str, str], Parameter] = {}
    plans = Parameter.objects.filter(number__in=names, site__in=sites, state="released", voided=False)
    for plan in plans.order_by("num"):
        planned[plan.site, plan.number] = plan
    shown = []
    for record in records:
        told = sorted(readings.get(record.num, []), key=lambda reading: reading.line)
        findings = found.get(record.entry, [])
        pairs = [
            _pair(record, nth, reading, planned[record.site, reading.name], findings)
            for nth, reading in enumerate(told)
            if (record.site, reading.name) in planned
        ]
        shown.append(Shown(record, pairs, [each["code"] for each in findings]))
    return shown


def days_of(machine: int) -> list[dt.date]:
    """The last days on which it made anything, in the order of time."""
    rows = StepRecord.objects.filter(machine=machine, voided=False, started__isnull=False)
    return sorted(rows.order_by("-day").values_list("day", flat=True).distinct()[:DAYS_SHOWN])


def _findings(entries: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """Entry -> its findings; an entry without any is not in it."""
    rows = Entry.objects.filter(seq__in=list(entries), decision__contains='"findings"')
    return {seq: json.loads(text).get("findings") or [] for seq, text in rows.values_list("seq", "decision")}


def _pair(
    record: StepRecord, nth: int, reading: Reading, plan: Parameter, findings: Sequence[Mapping[str, Any]]
) -> Pair:
    place = f"/fields/parameters/{nth}/"
    finding = next((str(f["code"]) for f in findings if str(f.get("path", "")).startswith(place)), "")
    if plan.words:
        return Pair(_short(record, reading.name), plan.words, reading.text or "", "", finding)
    limits = (
        limits_text(plan.low, plan.high, plan.unit) if plan.low is not None or plan.high is not None else ""
    )
    target = _plain(plan.target)
    planned = f"{target} {plan.unit}" if target else limits
    if target and limits:
        planned = f"{planned} ({limits})"
    name = _short(record, reading.name)
    numbers = (reading.value, plan.low, plan.high, plan.target) if reading.unit == plan.unit else ()
    return Pair(
        name, planned, _plain(reading.value), reading.unit, finding, bool(limits), *numbers,
    )  # fmt: skip


#: Parameters that get a lane of their own in the picture, and columns of their own in the table.
LANES_MOST, COLUMNS_MOST = 4, 5


def names_of_pairs(runs: Sequence[Shown]) -> list[str]:
    """Names of the parameters of these runs: those that contradict first, then those told most often."""
    told: dict[str, list[int]] = {}
    for run in runs:
        for pair in run.pairs:
            counts = told.setdefault(pair.name, [0, 0])
            counts[0] += pair.tone == "bad"
            counts[1] += 1
    return sorted(told, key=lambda name: (-told[name][0], -told[name][1], name))


def measured_lanes(runs: Sequence[Shown]) -> list[dict[str, Any]]:
    """For each parameter that is a number: its values by run, with target and limits."""
    lanes: dict[tuple[str, str], list[tuple[Shown, Pair]]] = {}
    order = {name: nth for nth, name in enumerate(names_of_pairs(runs))}
    for run in runs:
        for pair in run.pairs:
            if pair.value is not None:
                lanes.setdefault((pair.name, pair.unit), []).append((run, pair))
    found = sorted(lanes, key=lambda lane: order[lane[0]])[:LANES_MOST]
    return [{"name": name, "unit": unit, "points": lanes[name, unit]} for name, unit in found]


def programs_of(statuses: Sequence[Mapping[str, Any]]) -> list[tuple[dt.datetime, dt.datetime, str]]:
    """Which program was loaded from when to when; a gap or a state without one ends it."""
    found: list[tuple[dt.datetime, dt.datetime, str]] = []
    for each in statuses:
        name = each["row"].program if each["row"].status not in ("unknown", "offline") else ""
        if not name:
            continue
        if found and found[-1][2] == name and found[-1][1] == each["begun"]:
            found[-1] = (found[-1][0], each["until"], name)
        else:
            found.append((each["begun"], each["until"], name))
    return found


def _short(record: StepRecord, name: str) -> str:
    """The parameter's name without the part's number before it."""
    lot = record.output_lot.key if record.output_lot is not None else ""
    return name.removeprefix(f"{lot}-") if lot else name


def _plain(value: Decimal | None) -> str:
    if value is None:
        return ""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def spans(statuses: Sequence[Any], *, first: dt.datetime, last: dt.datetime) -> list[dict[str, Any]]:
    """Each state with where it ends: at the next one, or with the period."""
    found = []
    for nth, each in enumerate(statuses):
        until = statuses[nth + 1].since if nth + 1 < len(statuses) else last
        found.append(
            {"row": each, "begun": max(each.since, first), "until": max(each.since, min(until, last))}
        )
    return found
