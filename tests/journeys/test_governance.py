"""The hub looks at its data: counted once, alerts come and go, corrections are decided by people."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client

from medloom.design.models import Specification
from medloom.governance.measuring import judged, measure, near_by_feed
from medloom.governance.models import Alert, Correction, FeedDay
from medloom.inspection.models import Result
from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.materials.models import Alias, Lot
from medloom.wire.verdict import Verdict
from medloom.worker import govern_now
from tests.browser.network import LONG_LOT, Network, build, found, sequence
from tests.journeys.visiting import visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def rows(model: Any, **wanted: Any) -> list[Any]:
    with seeing(ALL):
        return list(model.objects.filter(**wanted).order_by("num"))


def look(now: dt.datetime = NOW) -> int:
    sequence()
    return govern_now(now)


def do(client: Client, row: Any, name: str, state: str) -> int:
    type_ = row.facts.type
    address = f"/o/{type_}/{row.object}/do/{name}/"
    return client.post(address, {"from": state, "reason": "looked at it"}).status_code


def test_every_row_of_a_feed_is_counted_once(net: Network) -> None:
    sequence()
    assert measure(NOW) > 50 and measure(NOW) == 0
    with seeing(ALL):
        (shifts,) = FeedDay.objects.filter(feed="shifts", type="step_record")
        told = Entry.objects.filter(source="shifts", type="step_record")
        assert shifts.counts["rows"] == told.count()
        refused = told.filter(verdict="quarantined").count()
        assert shifts.counts["verdicts"] == {"accepted": 8, "findings": 8, "quarantined": refused}
        before = shifts.counts
        FeedDay.objects.all().delete()
        from medloom.governance.models import Measured

        Measured.objects.all().delete()
    measure(NOW)
    with seeing(ALL):
        assert FeedDay.objects.get(feed="shifts", type="step_record").counts == before, (
            "counted again, the same"
        )
        (feed,) = [each for each in judged(NOW) if each["feed"] == "shifts"]
    validity = next(each for each in feed["measures"] if each.name == "validity")
    assert (validity.broken, validity.rows) == (refused, before["rows"]) and feed["score"] < 100


def test_an_alert_is_raised_once_acknowledged_and_closed_when_its_cause_is_gone(net: Network) -> None:
    later = NOW + dt.timedelta(days=3)
    look(later)
    alerts = {(a.site, a.kind, a.feed): a for a in rows(Alert)}
    assert ("SZ", "late", "shifts") in alerts and ("SZ", "conflicts", None) in alerts
    count = len(alerts)
    look(later + dt.timedelta(minutes=1))
    assert len(rows(Alert)) == count, "the same cause raises no second one"
    late = alerts["SZ", "late", "shifts"]
    tasks = visitor("anna").get("/tasks/").content.decode()
    assert "Look at data alerts" in tasks and "Release work orders" in tasks
    assert do(visitor("lin"), late, "acknowledge", "raised") == 302
    assert visitor("siti").get(f"/o/alert/{late.object}/").status_code == 404
    assert do(visitor("lin"), late, "close", "acknowledged") == 409, "the registrant closes"
    look(NOW)
    assert found(Alert, late.key).state == "closed", "the feed is no longer late"
    look(later + dt.timedelta(hours=1))
    assert len(rows(Alert, kind="late", feed="shifts", state="raised")) == 1, "it came back"


def test_a_pair_of_near_lots_counts_for_the_feed_that_brought_it(net: Network) -> None:
    for feed, numbers in (("tiny", ["X-1"]), ("bags", ["BAG-7?", "Y-1"]), ("large", ["BAG-7", "Z-1", "Z-2"])):
        for number in numbers:
            net.plant("SZ", "lot", "observe", {"number": number}, source=(feed, number, "h", f"{feed}.csv"))
    sequence()
    measure(NOW)
    text = visitor("anna").get("/quality/").content.decode()
    assert all(f">{feed}</a>" in text for feed in ("tiny", "bags", "large"))
    with seeing(ALL):
        pair = tuple(Lot.objects.get(key=key).object for key in ("BAG-7", "BAG-7?"))
        near = near_by_feed([pair], NOW)
        found = {each["feed"]: each for each in judged(NOW, near=near) if each["type"] == "lot"}
    assert near == {("SZ", "bags"): 1, ("SZ", "large"): 1}
    scores = {name: next(m.score for m in feed["measures"] if m.name == "uniqueness")
              for name, feed in found.items()}  # fmt: skip
    assert scores == {"tiny": 100.0, "bags": 50.0, "large": 66.7}


def test_a_spelling_that_keeps_coming_becomes_the_lots_second_number(net: Network) -> None:
    for n in range(4):
        fields = {"number": f"Q-{n}", "day": "2026-11-04", "resin_lot": LONG_LOT, "total": 1, "good": 1}
        source = {"resin_lot": ["rm 2611 1", "trim+lot"]}
        operation = told(net, f"Q-{n}", fields, source)
        assert operation.verdict is Verdict.ACCEPTED, operation
    look()
    (correction,) = rows(Correction)
    assert (correction.kind, correction.came, correction.meant, correction.times) == (
        "normalisation",
        "rm 2611 1",
        LONG_LOT,
        4,
    )
    assert do(visitor("lin"), correction, "accept", "proposed") == 409, "the registrant decides"
    assert do(visitor("anna"), correction, "accept", "proposed") == 302
    (alias,) = rows(Alias)
    assert (alias.number, alias.same, alias.lot_id) == ("rm 2611 1", True, found_num())
    assert do(visitor("anna"), correction, "undo", "accepted") == 302
    assert [each.same for each in rows(Alias)] == [False]
    assert do(visitor("anna"), correction, "accept", "undone") == 302
    assert [each.same for each in rows(Alias)] == [True]
    look()
    assert len(rows(Correction)) == 1


def found_num() -> int:
    return int(found(Lot, LONG_LOT).num)


def told(net: Network, key: str, fields: dict[str, Any], was: dict[str, Any]) -> Any:
    """A row with its originals beside it, as an agent tells it."""
    from medloom.kernel.case import Received
    from medloom.kernel.ledger import append
    from medloom.wire import canonical
    from medloom.wire.operation import Kind, Operation, Source
    from tests.browser.network import _wiring

    number = net.numbers["SZ"] = net.numbers.get("SZ", 0) + 1
    epoch = f"{sum(map(ord, 'SZ')):032x}"
    operation = Operation(
        id=f"SZ/{epoch}/v/{number}", type="step_record", object=f"00000000-0000-4000-8000-{number:012}",
        kind=Kind.OBSERVE, at="2026-11-20T08:00:00+08:00", actor="agent:SZ", fields=fields,
        source=Source("shifts", key, "h", at="x", was={name: tuple(pair) for name, pair in was.items()}),
    )  # fmt: skip
    raw = canonical.dumps(operation)
    received = Received(raw=raw, epoch=epoch, chain="v", number=number, operation=operation)
    (answer,) = append([received], author="SZ", wiring=_wiring())
    return answer


def slips(net: Network, *, unit: str = "mm") -> list[Correction]:
    """Seven results of which the last is off by ten, told in that unit, and what is proposed for it."""
    limits = {
        "number": "SP-1",
        "revision": "1",
        "characteristic": "Bore",
        "unit": "mm",
        "low": "4.9",
        "high": "5.1",
    }
    net.registrant(net.act.create("specification", site="SZ", fields=limits, reason="drawing"))
    with seeing(ALL):
        key = Specification.objects.get(site="SZ").key
    for n, value in enumerate(["5.01", "5", "4.99", "5.02", "5", "4.98", "50.1"]):
        fields = {"number": f"R-{n}", "lot": LONG_LOT, "specification": key, "value": value,
                  "unit": unit if n == 6 else "mm"}  # fmt: skip
        assert net.plant("SZ", "result", "observe", fields).verdict is Verdict.ACCEPTED
    look()
    return rows(Correction, kind="unit_slip")


def test_a_value_off_by_a_factor_is_corrected_and_set_back(net: Network) -> None:
    (correction,) = slips(net)
    assert (correction.subject, correction.came, correction.meant, correction.factor) == (
        "R-6",
        "50.1",
        "5.01",
        "10",
    )
    page = re.sub(r"\s+", " ", visitor("anna").get(f"/o/correction/{correction.object}/").content.decode())
    assert "Wrong unit" in page
    assert do(visitor("anna"), correction, "accept", "proposed") == 302
    assert str(found(Result, "R-6").value.normalize()) == "5.01"
    assert do(visitor("anna"), correction, "undo", "accepted") == 302
    assert str(found(Result, "R-6").value.normalize()) == "50.1", "both stay in the history"
    with seeing(ALL):
        assert Entry.objects.filter(object=found(Result, "R-6").object, verdict="accepted").count() == 3
