"""Governance, fooled: workers at once, dying workers, clocks, silence, storms, decisions that come late."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection, connections, transaction

from medloom import worker
from medloom.governance import measuring, queries
from medloom.governance.models import Alert, Correction, FeedDay, Measured
from medloom.governance.rules import Tally, count
from medloom.inspection.models import Result
from medloom.kernel.access import ALL, seeing
from medloom.wire.verdict import Verdict
from medloom.worker import govern_now
from tests.browser.network import LONG_LOT, Network, build, found, sequence
from tests.journeys.test_governance import NOW, do, look, rows, slips, visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def at_once(work: Any, times: int = 3) -> None:
    """The same work in several threads that start together, each with a connection of its own."""
    gate, failed = threading.Barrier(times), list[BaseException]()

    def run() -> None:
        try:
            gate.wait(60)
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failed == []


def counts() -> dict[tuple[str, str, str, dt.date], Any]:
    with seeing(ALL):
        return {(row.site, row.feed, row.type, row.day): row.counts for row in FeedDay.objects.all()}


def count_anew() -> dict[tuple[str, str, str, dt.date], Any]:
    """What one worker alone counts."""
    with seeing(ALL):
        FeedDay.objects.all().delete()
        Measured.objects.all().delete()
    measuring.measure(NOW)
    return counts()


def day(feed: str, when: dt.datetime, *, rows: int = 30) -> None:
    """A day of a feed as it would have been counted."""
    tally = Tally()
    for n in range(rows):
        count(tally, verdict="accepted", fields={"number": f"S{n}"})
    with seeing(ALL):
        FeedDay.objects.create(
            site="SZ", feed=feed, type="step_record", day=when.date(), newest=when, counts=tally.tree()
        )


def test_workers_at_once_count_each_row_once(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    sequence()
    monkeypatch.setattr(queries, "LEAVES_MOST", 20)
    at_once(lambda: measuring.measure(NOW))
    assert counts() == count_anew()


def test_workers_at_once_raise_each_alert_once(net: Network) -> None:
    sequence()
    later = NOW + dt.timedelta(days=3)
    at_once(lambda: govern_now(later))
    govern_now(later + dt.timedelta(minutes=1))
    raised = [(a.site, a.kind, a.feed, a.rule) for a in rows(Alert)]
    assert raised and len(raised) == len(set(raised))


def test_a_worker_that_dies_in_the_middle_counts_nothing_by_halves(net: Network, monkeypatch) -> None:
    sequence()
    keep = measuring._keep

    def dies(tallies: Any) -> None:
        keep(tallies)
        raise MemoryError

    monkeypatch.setattr(measuring, "_keep", dies)
    with pytest.raises(MemoryError):
        measuring.measure(NOW)
    assert counts() == {}
    monkeypatch.setattr(measuring, "_keep", keep)
    assert measuring.measure(NOW) > 0
    assert counts() == count_anew()


def test_a_feed_that_falls_silent_stays_late(net: Network) -> None:
    """Its tallies grow old with it: it must not drop out of the weeks looked at, and be well."""
    look(NOW + dt.timedelta(days=3))
    assert rows(Alert, kind="late", feed="shifts", state="raised")
    look(NOW + dt.timedelta(days=90))
    (alert,) = rows(Alert, kind="late", feed="shifts")
    assert alert.state == "raised"


def test_a_clock_that_jumped_ahead_does_not_keep_a_feed_young(net: Network) -> None:
    day("jumped", NOW - dt.timedelta(days=5))
    day("jumped", NOW + dt.timedelta(days=300), rows=1)
    with seeing(ALL):
        (feed,) = [each for each in measuring.judged(NOW) if each["feed"] == "jumped"]
    assert feed["new"].rows == 30 and feed["late"] > 4


def test_a_feed_is_heard_by_any_of_its_types(net: Network) -> None:
    day("mixed", NOW - dt.timedelta(days=20))
    with seeing(ALL):
        FeedDay.objects.create(
            site="SZ", feed="mixed", type="lot", day=NOW.date(), newest=NOW, counts=Tally(rows=1).tree()
        )
        late = [each["late"] for each in measuring.judged(NOW) if each["feed"] == "mixed"]
    assert len(late) == 2 and max(late) <= 1


def test_a_storm_of_alerts_is_written_in_parts_and_once(net: Network, monkeypatch) -> None:
    monkeypatch.setattr(worker, "GOVERNED_MOST", 40)
    for n in range(150):
        day(f"feed-{n}", NOW - dt.timedelta(days=9))
    assert look() >= 150
    assert look(NOW + dt.timedelta(minutes=1)) == 0
    assert len(rows(Alert, kind="late")) >= 150
    with seeing(ALL):
        FeedDay.objects.filter(feed__startswith="feed-").update(newest=NOW, day=NOW.date())
    look(NOW + dt.timedelta(minutes=2))
    assert rows(Alert, kind="late", feed="feed-7", state="raised") == []


def tell_again(net: Network, value: str) -> None:
    """The plant corrects its own result."""
    result = found(Result, "R-6")
    fields = {"number": "R-6", "lot": LONG_LOT, "value": value, "unit": "mm"}
    told = net.plant("SZ", "result", "observe", fields, object=str(result.object))
    assert told.verdict is Verdict.ACCEPTED


def value() -> str:
    return str(found(Result, "R-6").value.normalize())


def test_a_value_that_the_plant_changed_meanwhile_is_not_corrected(net: Network) -> None:
    (correction,) = slips(net)
    tell_again(net, "5.03")
    assert do(visitor("anna"), correction, "accept", "proposed") == 422
    assert value() == "5.03" and rows(Correction)[0].state == "proposed"
    assert do(visitor("anna"), correction, "dismiss", "proposed") == 302


def test_an_undo_after_a_later_change_leaves_the_later_value(net: Network) -> None:
    (correction,) = slips(net)
    assert do(visitor("anna"), correction, "accept", "proposed") == 302
    tell_again(net, "5.04")
    assert do(visitor("anna"), correction, "undo", "accepted") == 422
    assert value() == "5.04"


def test_an_undo_happens_once_and_only_those_decide_who_may(net: Network) -> None:
    (correction,) = slips(net)
    assert do(visitor("audit"), correction, "accept", "proposed") == 409, "an auditor reads"
    assert do(visitor("lin"), correction, "accept", "proposed") == 409, "the plant's own people do not decide"
    assert do(visitor("siti"), correction, "accept", "proposed") == 404
    assert do(visitor("anna"), correction, "accept", "proposed") == 302
    assert do(visitor("anna"), correction, "accept", "proposed") == 409
    assert do(visitor("anna"), correction, "undo", "accepted") == 302
    assert do(visitor("anna"), correction, "undo", "accepted") == 409
    assert value() == "50.1"
    with seeing(ALL):
        assert found(Result, "R-6").version == 3


def test_another_unit_is_no_slip(net: Network) -> None:
    assert slips(net, unit="um") == []


def refused_rows(since: dt.date, most: int = 50) -> list[dict[str, Any]]:
    """The refused rows of the moulding plant's feed, of those that are counted."""
    with seeing(ALL):
        counted = queries.counted_to()
        assert counted is not None
        return queries.rows_of(
            site="SZ", feed="shifts", type_="step_record", codes=(), counted=counted, since=since, most=most
        )


def test_the_rows_behind_a_measure_are_those_that_it_counts(net: Network) -> None:
    today = dt.datetime.now(dt.UTC).date()
    assert queries.counted_to() is None, "nothing is counted yet"
    sequence()
    measuring.measure(NOW)
    before = refused_rows(today)
    tallies = [
        Tally(**each) for name, each in counts().items() if name[:3] == ("SZ", "shifts", "step_record")
    ]
    assert len(before) == sum(each.refused for each in tallies) > 0
    assert {row["verdict"] for row in before} == {"quarantined"}
    assert [row["seq"] for row in before] == sorted((row["seq"] for row in before), reverse=True)
    fields = {"number": "S-LATE", "step": "moulding", "day": 5}
    late = net.plant("SZ", "step_record", "observe", fields, source=("shifts", "late", "h", "x"))
    assert late.verdict is Verdict.QUARANTINED, late
    assert refused_rows(today) == before, "in no figure yet, so not in the list"
    sequence()
    assert refused_rows(today) == before
    measuring.measure(NOW)
    assert len(refused_rows(today)) == len(before) + 1
    assert refused_rows(today, most=1)[0]["seq"] > before[0]["seq"], "the newest first"
    assert refused_rows(today + dt.timedelta(days=1)) == [], "of the days of the figure only"


def test_the_rows_behind_a_measure_are_found_by_index(net: Network) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        cursor.execute("""explain select seq from entry where verdict = 'accepted'
                          and decision like '%"findings"%' and site = 'SZ' and source = 'shifts'
                          order by seq desc limit 5""")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "site_source_seq" in plan or "entry_found" in plan, plan
