"""Counting the ledger into the feeds' tallies; then alerts are raised and closed, corrections proposed.

Run by the worker every minute. Each step goes on where the last one stood, so its cost is that of what is
new; a tally that was lost is counted again from the log, and comes out the same.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction

from medloom.governance import corrections, queries, rules
from medloom.governance.actions import close_alert, propose_correction, raise_alert
from medloom.governance.models import FeedDay, Measured
from medloom.kernel.access import ALL, seeing
from medloom.kernel.act import Act
from medloom.kernel.entity import catalogue
from medloom.wire.operation import Operation

#: A conflict that nobody has settled for so long is an alert.
CONFLICT_HOURS = 24
#: A spelling seen so often is proposed as the lot's second number.
TIMES_LEAST = 3
#: Newest results that are looked through for slips.
RESULTS_MOST = 5_000
_SECONDS = {"PT1M": 60, "PT1H": 3_600, "PT4H": 14_400, "PT12H": 43_200, "P1D": 86_400, "P7D": 604_800}

Key = tuple[str, str, str, dt.date]


def measure(now: dt.datetime) -> int:
    """Count what the log has grown by; returns how many entries were looked at.

    Each part is one transaction, with the mark locked: a worker that dies counts nothing by halves, and
    two at once count nothing twice.
    """
    total = 0
    while True:
        with seeing(ALL):
            leaves = queries.uncounted(_counted_to(now))
            if leaves:
                _keep(counted(leaves))
                Measured.objects.filter(id=1).update(last=leaves[-1]["leaf"], at=now)
        total += len(leaves)
        if len(leaves) < queries.LEAVES_MOST:
            return total


def _counted_to(now: dt.datetime) -> int:
    """The last leaf that is counted, locked until the transaction ends; -1 before any."""
    Measured.objects.bulk_create([Measured(id=1, last=-1, at=now)], ignore_conflicts=True)
    return int(Measured.objects.select_for_update().get(id=1).last)


def counted(leaves: Sequence[Mapping[str, Any]]) -> dict[Key, tuple[rules.Tally, dt.datetime]]:
    """Tallies of these entries by site, feed, type and day. Entries of people and the hub have no feed."""
    found: dict[Key, tuple[rules.Tally, dt.datetime]] = {}
    for leaf in leaves:
        if not leaf["feed"]:
            continue
        key = (leaf["site"], leaf["feed"], leaf["type"], leaf["received"].date())
        tally, newest = found.get(key, (rules.Tally(), leaf["received"]))
        decision = orjson.loads(leaf["decision"]) if leaf["decision"] else {}
        body = _body(leaf)
        code = str((decision.get("refusal") or {}).get("code", ""))
        raw = body.get("raw") or {}
        rules.count(
            tally,
            verdict=leaf["verdict"],
            code=str(raw.get("code") or code),
            findings=[str(each.get("code", "")) for each in decision.get("findings") or ()],
            fields=body.get("fields") or {},
            whole=body.get("kind") == "observe" or not body.get("base"),
            was=[str(pair[1]) for pair in ((body.get("source") or {}).get("was") or {}).values()],
            changed=[each.strip() for each in str(raw.get("got", "")).split(",") if each.strip()],
        )
        found[key] = (tally, max(newest, leaf["received"]))
    return found


def _body(leaf: Mapping[str, Any]) -> dict[str, Any]:
    if leaf["encoding"] is not None or not leaf["body"]:
        return {}
    try:
        found = orjson.loads(leaf["body"])
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _keep(tallies: Mapping[Key, tuple[rules.Tally, dt.datetime]]) -> None:
    for (site, feed, type_, day), (tally, newest) in tallies.items():
        row = FeedDay.objects.filter(site=site, feed=feed, type=type_, day=day).first()
        if row is None:
            FeedDay.objects.create(
                site=site, feed=feed, type=type_, day=day, newest=newest, counts=tally.tree()
            )
            continue
        whole = rules.add(rules.tally_of(row.counts), tally)
        FeedDay.objects.filter(site=site, feed=feed, type=type_, day=day).update(
            counts=whole.tree(), newest=max(row.newest, newest)
        )


def lateness(newest: dt.datetime, promise: str, now: dt.datetime) -> float:
    """Age of the newest row over the promised one: 1 is just in time, a row from the future 0."""
    return max(0.0, (now - newest).total_seconds() / _SECONDS.get(promise, 86_400))


def near_by_feed(pairs: Sequence[tuple[UUID, UUID]], now: dt.datetime) -> Counter[tuple[str, str]]:
    """(site, feed) -> in how many pairs of near lots there is one that this feed brought in the last days.

    Two feeds that bring one lot each of a pair have it both; a lot that is only mentioned has no feed.
    """
    since = now - dt.timedelta(days=queries.DAYS_NOW)
    feeds = queries.feeds_of_lots({lot for pair in pairs for lot in pair}, since)
    return Counter(feed for pair in pairs for feed in {f for lot in pair for f in feeds.get(lot, ())})


def judged(
    now: dt.datetime, *, site: str = "", near: Mapping[tuple[str, str], int] | None = None
) -> list[dict[str, Any]]:
    """Every feed with its measures, score, trend and drift, from its tallies of the last weeks.

    near  pairs of near lots by the feed that brought one of them (`near_by_feed`)
    """
    promises = queries.promises()
    feeds: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    heard: dict[tuple[str, str], dt.datetime] = {}
    for row in queries.feed_days(now.date(), site=site):
        feeds.setdefault((row["site"], row["feed"], row["type"]), []).append(row)
        place = (row["site"], row["feed"])
        heard[place] = max(row["newest"], heard.get(place, row["newest"]))
    found = []
    for (where, feed, type_), rows in sorted(feeds.items()):
        days = [_read(row) for row in rows]
        edge = rows[-1]["day"] - dt.timedelta(days=queries.DAYS_NOW - 1)
        new = rules.total(t for row, t in zip(rows, days, strict=True) if row["day"] >= edge)
        old = rules.total(t for row, t in zip(rows, days, strict=True) if row["day"] < edge)
        newest = max(row["newest"] for row in rows)
        # Whatever a feed tells is heard of it: a list of items need not change while records come in time.
        late = lateness(heard[where, feed], promises.get(where, "P1D"), now)
        declared = catalogue().get(type_)
        needed = declared.required if declared is not None else ()
        pairs = (near or {}).get((where, feed), 0) if type_ == "lot" else 0
        measures = rules.measures(new, old, needed=needed, late=late, near=pairs)
        found.append(
            {
                "site": where,
                "feed": feed,
                "type": type_,
                "rows": sum(tally.rows for tally in days),
                "new": new,
                "since": edge,
                "newest": newest,
                "late": late,
                "measures": measures,
                "drifts": rules.drifts(new, old),
                "score": rules.score(measures),
                "trend": [(row["day"], rules.daily(t)) for row, t in zip(rows, days, strict=True)],
            }
        )
    return found


def _read(row: Mapping[str, Any]) -> rules.Tally:
    counts = row["counts"]
    return rules.tally_of(orjson.loads(counts) if isinstance(counts, str) else counts)


def alerts_wanted(now: dt.datetime) -> list[rules.Wanted]:
    """Every alert that should stand now."""
    found = []
    for feed in judged(now):
        found += rules.alerts(
            feed["site"], feed["feed"], feed["new"], feed["measures"], feed["drifts"], late=feed["late"]
        )
    for site, many in queries.old_conflicts(now - dt.timedelta(hours=CONFLICT_HOURS)).items():
        detail = f"{many} older than {CONFLICT_HOURS} hours"
        found.append(rules.Wanted(site, "conflicts", "", "", detail, many))
    return found


def alert_operations(now: dt.datetime, mint: Callable[[], str]) -> list[Operation]:
    """Alerts to be raised, and those to be closed because their cause is gone."""
    act = Act(actor="hub", at=now.isoformat(timespec="seconds"), mint=mint)
    with seeing(ALL):
        # One alert for what several types of a feed have in common: the one that tells of most rows.
        each_count = sorted(alerts_wanted(now), key=lambda one: one.count)
        wanted = {(each.site, each.name): each for each in each_count}
        standing = queries.open_alerts()
    known = {(row["site"], _name(row)) for row in standing}
    raised = [raise_alert(act=act, wanted=each) for name, each in wanted.items() if name not in known]
    closed = [
        close_alert(act=act, site=row["site"], alert=str(row["object"]), state=row["state"])
        for row in standing
        if (row["site"], _name(row)) not in wanted
    ]
    return raised + closed


def _name(row: Mapping[str, Any]) -> str:
    return ":".join((row["kind"], row["feed"] or "-", row["rule"] or "-"))


def correction_operations(now: dt.datetime, mint: Callable[[], str]) -> list[Operation]:
    """Corrections that the data suggests and that were never proposed before."""
    act = Act(actor="hub", at=now.isoformat(timespec="seconds"), mint=mint)
    with seeing(ALL), transaction.atomic():
        found = [_spelled(act, row) for row in _spellings(now)] + list(_slips(act))
        known = queries.known_corrections([str(each.fields["number"]) for each in found])
    return [each for each in found if (each.site, str(each.fields["number"])) not in known]


def _spellings(now: dt.datetime) -> list[dict[str, Any]]:
    return queries.spellings(now - dt.timedelta(days=queries.DAYS_BEFORE), times=TIMES_LEAST)


def _spelled(act: Act, row: Mapping[str, Any]) -> Operation:
    return propose_correction(
        act=act, site=row["site"], kind="normalisation", subject=row["meant"], field=row["field"],
        came=row["came"].strip(), meant=row["meant"], feed=row["feed"], times=row["times"],
    )  # fmt: skip


def _slips(act: Act) -> list[Operation]:
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in queries.measured_values(RESULTS_MOST):  # 0.5 cm beside 5 mm is no slip
        groups.setdefault((row["site"], row["specification"], row["unit"]), []).append(row)
    found = []
    for (site, _specification, _unit), rows in groups.items():
        for slip in corrections.slips([row["value"] for row in rows]):
            row = rows[slip.index]
            found.append(
                propose_correction(
                    act=act, site=site, kind="unit_slip", subject=row["key"], field="value",
                    came=_plain(row["value"]), meant=format(slip.meant, "f"), factor=slip.factor,
                )
            )  # fmt: skip
    return found


def _plain(value: str) -> str:
    return value.rstrip("0").rstrip(".") if "." in value else value
