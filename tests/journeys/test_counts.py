"""A number on a page and the list behind it agree: every count of My tasks and of the overview is opened."""

from __future__ import annotations

import datetime as dt
import html
import re

import pytest
from django.test import Client

from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.materials.models import Hold
from medloom.production.models import WorkOrder
from medloom.worker import govern_now
from tests.browser.network import Network, build, found, sequence
from tests.journeys.visiting import visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
#: A line of My tasks or a figure of the overview: the address and the number that it promises.
TASK = re.compile(r'<a href="([^"]+)"[^>]*>(?:(?!</a>).)*?<b[^>]*>([\d,]+)</b>', re.S)
#: The number of rows waiting in a plant's or a feed's line.
WAITING = re.compile(r'<a href="(/repair/\?[^"]+)">([\d,]+)</a>')
#: The rows of one cause on the repair desk.
GROUP = re.compile(r'<tr><td class="num">(?:<a href="[^"]*">)?<b>([\d,]+)</b>')


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def number(text: str) -> int:
    return int(text.replace(",", ""))


def promised(text: str) -> list[tuple[str, int]]:
    """(address, number) of every count on a page's main part."""
    main = text[text.index("<main") : text.index("</main")]
    return [(html.unescape(where), number(n)) for where, n in TASK.findall(main) + WAITING.findall(main)]


def rows(client: Client, address: str) -> int:
    """How many rows the page behind an address shows, as it says and as they stand there."""
    text = client.get(address).content.decode()
    main = text[text.index("<main") : text.index("</main")]
    total = re.search(r'<div class="totals"><span>[^<]*<b>([\d,]+)</b>', main)
    if address.startswith("/o/"):
        shown = len(re.findall(r'<tr data-object="', main))
        assert shown == min(number(total[1]), 50), address
    elif address.startswith("/repair/"):
        assert number(total[1]) == sum(map(number, GROUP.findall(main)))
    elif address.startswith("/conflicts/"):
        assert number(total[1] if total else "0") == len(
            re.findall(r'<a class="key" href="/conflicts/', main)
        )
    elif address.startswith("/matches/"):
        return len(re.findall(r'<tbody class="pair-rows">', main))
    elif address.startswith("/alarms/"):
        return len(re.findall(r'name="alarm"', main))
    elif address.startswith("/ledger/"):
        return number(re.search(r"Newest record</span><b>([\d,]+)</b>", main)[1])
    return number(total[1]) if total else 0


def trouble(net: Network) -> None:
    """What each line of My tasks counts, at least once, beside what the network has; and what none counts."""
    net.plant("SZ", "work_order", "observe", {"number": "TOLD", "item": "10001", "quantity": 5})
    net.plant(
        "SZ", "step_record", "observe", {"number": "S-W", "day": "2026-11-04", "work_order": "MENTIONED"}
    )
    net.plant("PG", "work_order", "set", {"number": "OWN", "quantity": 5})
    lot = {"item": "PLATE", "kind": "intermediate"}
    net.plant("SZ", "item", "set", {"number": "PLATE", "kind": "component"})
    net.plant("SZ", "lot", "observe", {"number": "PLATE-01", **lot})
    for laboratory, judged in (("plant", "pass"), ("own", "fail")):
        net.plant("SZ", "result", "observe", {
            "number": f"R-{laboratory}", "lot": "PLATE-01", "item": "PLATE", "laboratory": laboratory,
            "value": "4.5", "unit": "mm", "kind": "diameter", "nominal": "4", "judged": judged,
        })  # fmt: skip
    with seeing(ALL):
        hold = Hold.objects.get(key="H-2")
    net.registrant(net.act.command("hold", str(hold.object), site="SZ", name="clear", state="open",
                                   reason="certificate came", fields={"meaning": "approved"}))  # fmt: skip
    sequence()
    govern_now(dt.datetime.now(dt.UTC) + dt.timedelta(days=3))
    sequence()


@pytest.mark.parametrize("name", ["anna", "lin", "siti"])
def test_every_count_opens_as_many_rows(net: Network, name: str) -> None:
    trouble(net)
    client = visitor(name)
    tasks = promised(client.get("/tasks/").content.decode())
    figures = promised(client.get("/").content.decode())
    assert len(tasks) == 8, "every line of My tasks"
    assert len(figures) >= 7, "every figure of the overview"
    wrong = {where: (n, shown) for where, n in tasks + figures if "ledger" not in where
             and (shown := rows(client, where)) != n}  # fmt: skip
    assert not wrong, wrong
    if name == "anna":
        assert all(n for where, n in tasks if "correction" not in where), tasks
        newest = next(n for where, n in figures if where == "/ledger/")
        assert rows(client, "/ledger/") == newest


def test_an_order_that_a_plant_tells_of_is_no_draft(net: Network) -> None:
    net.plant("SZ", "work_order", "observe", {"number": "TOLD", "item": "10001", "quantity": 5})
    net.plant(
        "SZ", "step_record", "observe", {"number": "S-W", "day": "2026-11-04", "work_order": "MENTIONED"}
    )
    assert {n: found(WorkOrder, n).state for n in ("TOLD", "MENTIONED", "WO-0058")} == {
        "TOLD": "reported", "MENTIONED": "reported", "WO-0058": "draft",
    }  # fmt: skip
    net.plant("SZ", "work_order", "observe", {"number": "MENTIONED", "item": "10001", "quantity": 7})
    assert found(WorkOrder, "MENTIONED").state == "reported", "the mention became the order"
    order = found(WorkOrder, "TOLD")
    given = {"from": "reported", "reason": "it is ours"}
    assert visitor("anna").post(f"/o/work_order/{order.object}/do/release/", given).status_code == 302
    assert found(WorkOrder, "TOLD").state == "released"
    other = found(WorkOrder, "MENTIONED")
    given = {"from": "reported", "reason": "the machine runs"}
    assert visitor("lin").post(f"/o/work_order/{other.object}/do/start/", given).status_code == 302
    assert found(WorkOrder, "MENTIONED").state == "in_process"


def test_a_settlement_that_is_undone_waits_again(net: Network) -> None:
    with seeing(ALL):
        seq = Entry.objects.get(verdict="conflict").seq
    anna = visitor("anna")
    version = found(WorkOrder, "WO-0001").version
    said = {"choice": "stands", "reason": "as agreed", "version": str(version)}
    assert anna.post(f"/conflicts/{seq}/", said).status_code == 302
    assert rows(anna, "/conflicts/") == 0
    assert anna.post(f"/conflicts/{seq}/undo/", {"reason": "not agreed after all"}).status_code == 302
    counted = dict(promised(anna.get("/tasks/").content.decode()))
    assert counted["/conflicts/"] == rows(anna, "/conflicts/") == 1
