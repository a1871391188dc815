"""The equipment timeline: plan beside log, what contradicts it in one click, and only for whom it may be."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from medloom.design.actions import issue_revision
from medloom.materials.models import Hold
from medloom.wire.verdict import Verdict
from tests.browser.network import Network, build, found
from tests.journeys.test_pages import QUESTIONS_MOST, visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
PLANS: tuple[dict[str, Any], ...] = (
    {"number": "P-01-SPEED", "unit": "rpm", "target": "6000", "low": "5880", "high": "6120"},
    {"number": "P-01-PROGRAM", "unit": "1", "words": "P-1.NC | P.NC"},
    {"number": "P-02-PROGRAM", "unit": "1", "words": "P-2.NC"},
)
DAY = "2026-11-20"


def run(net: Network, part: str, hour: int, *parameters: dict[str, Any]) -> list[str]:
    """One run of M01; the codes of its findings."""
    net.plant("SZ", "lot", "observe", {"number": part, "kind": "intermediate"})
    fields = {
        "number": f"M01/{part}",
        "day": DAY,
        "machine": "M01",
        "output_lot": part,
        "started": f"{DAY}T{hour:02}:00:00+08:00",
        "ended": f"{DAY}T{hour:02}:30:00+08:00",
        "parameters": list(parameters),
    }
    answer = net.plant("SZ", "step_record", "observe", fields)
    assert answer.verdict is Verdict.ACCEPTED
    return [finding.code for finding in answer.findings]


def machine_told() -> Network:
    """The generated network, with a machine that told states and two runs against their plan."""
    net = build()
    for plan in PLANS:
        fields = {"revision": "A", "name": "plan", **plan}
        net.registrant(
            *issue_revision(act=net.act, type="parameter", site="SZ", fields=fields, reason="setup sheet")
        )
    for hour, status in ((8, "active"), (9, "interrupted"), (10, "active"), (11, "unknown")):
        since = f"{DAY}T{hour:02}:00:00+08:00"
        fields = {"number": f"M01/{since}", "machine": "M01", "since": since, "status": status}
        if status == "unknown":
            fields["cause"] = "the adapter was not heard"
        assert net.plant("SZ", "equipment_status", "observe", fields).verdict is Verdict.ACCEPTED
    speed, program = {"name": "P-01-SPEED", "unit": "rpm"}, {"name": "P-01-PROGRAM", "unit": "1"}
    codes = run(net, "P-01", 8, {**speed, "value": "9000"}, {**program, "text": "P-2.NC"})
    assert codes == ["parameter_out_of_limits", "parameter_differs"]
    assert run(net, "P-02", 10, {"name": "P-02-PROGRAM", "unit": "1"}) == ["parameter_missing"]
    return net


@pytest.fixture
def net(transactional_db: None) -> Network:
    return machine_told()


def page(client: Client, query: str = "") -> str:
    """The page as it reads."""
    answer = client.get(f"/timeline/{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_what_contradicts_the_plan_stands_beside_it(net: Network) -> None:
    anna = visitor("anna")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        whole = page(anna)
    assert len(asked) <= QUESTIONS_MOST
    assert "M01/P-01" in whole and "M01/P-02" in whole and "the adapter was not heard" in whole
    only = page(anna, "?show=contradicts")
    assert "M01/P-01" in only and "M01/P-02" not in only
    assert "6000 rpm (5880 to 6120 rpm)" in only and "9000" in only and "P-2.NC" in only
    silent = page(anna, "?show=silent")
    assert "M01/P-02" in silent and "M01/P-01" not in silent
    book = anna.get("/timeline/?export=xlsx")
    assert book.status_code == 200 and book["Content-Type"].startswith("application/vnd.openxmlformats")
    assert page(anna, "?period=not-a-day&machine=none&show=odd").count("M01/P-0") > 0


def test_a_run_against_its_plan_blocks_its_lot_and_a_silent_one_does_not(net: Network) -> None:
    causes = [hold.cause for hold in held("P-01")]
    assert len(causes) == 1 and "parameter_differs" in causes[0]
    assert not held("P-02")


def held(lot: str) -> list[Hold]:
    """Holds on that lot."""
    from medloom.kernel.access import ALL, seeing
    from medloom.materials.models import Lot

    with seeing(ALL):
        return list(Hold.objects.filter(lot=found(Lot, lot).num))


def test_another_plant_sees_no_machine(net: Network) -> None:
    assert "M01" not in page(visitor("siti"))
