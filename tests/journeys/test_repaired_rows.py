"""A refused row leaves the repair desk when its corrected form arrives, and says which record repaired it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from medloom.agent.unread import AS_RECORDED
from medloom.interfaces.web import queries
from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.materials.models import Lot
from tests.browser.network import Network, build, found
from tests.journeys.test_intake import WHY, filled, send
from tests.journeys.visiting import visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
RAW = {"code": "date_destroyed", "path": "/day", "expected": "a date", "got": "00:00.0", "original": "{}"}


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def waiting(net: Network, feed: str) -> list[int]:
    with seeing(ALL):
        return [row["seq"] for row in queries.waiting_of_feed(site="SZ", feed=feed)]


def shown(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def test_the_corrected_row_closes_the_entry_and_both_records_name_each_other(net: Network) -> None:
    source = ("masters", "raw:90001", "h1", "items.csv#items!7")
    refused = net.plant("SZ", "lot", "raw", {}, raw=RAW, source=source)
    assert waiting(net, "masters") == [refused.seq]
    source = ("masters", "lot:90001", "h2", "items.csv#items!7")
    fields = {"number": "L-90001", "item": "10001"}
    mended = net.plant("SZ", "lot", "observe", fields, source=source, repairs=refused.id)
    assert mended.verdict == "accepted" and waiting(net, "masters") == []
    with seeing(ALL):
        assert Entry.objects.get(seq=refused.seq).verdict == "quarantined", "the ledger is untouched"
    anna = visitor("anna")
    assert f"/ledger/{mended.seq}/" in anna.get("/repair/mended/?feed=masters").content.decode()
    assert f"/ledger/{refused.seq}/" not in anna.get("/repair/?feed=masters").content.decode()
    assert "its corrected form is record" in shown(anna.get(f"/ledger/{refused.seq}/"))
    assert "corrected form of the refused record" in shown(anna.get(f"/ledger/{mended.seq}/"))
    # Another plant sees nothing of it.
    assert f"/ledger/{mended.seq}/" not in visitor("siti").get("/repair/mended/").content.decode()


def test_a_row_that_is_refused_once_more_stands_once(net: Network) -> None:
    first = net.plant("SZ", "lot", "raw", {}, raw=RAW, source=("masters", "raw:1", "h1", "a#b!1"))
    raw = RAW | {"code": "number_wrong"}
    source = ("masters", "raw:1", "h2", "a#b!1")
    second = net.plant("SZ", "lot", "raw", {}, raw=raw, source=source, repairs=first.id)
    assert waiting(net, "masters") == [second.seq]
    back = RAW | {"code": AS_RECORDED.code}
    source = ("masters", "back:1", "h0", "a#b!1")
    net.plant("SZ", "lot", "raw", {}, raw=back, source=source, repairs=second.id)
    assert waiting(net, "masters") == []


def test_a_template_sent_again_with_the_cell_mended_closes_its_row(net: Network) -> None:
    lin = visitor("lin")
    bad = {"Lot number": "ZERO-0003", "Item": "10001", "Made on": "00:00.0"}
    address = send(lin, filled(lin, "lot", [bad]))["Location"]
    lin.post(f"{address}record/", WHY)
    assert len(waiting(net, "template_lot")) == 1
    address = send(lin, filled(lin, "lot", [bad | {"Made on": "2026-11-03"}]))["Location"]
    lin.post(f"{address}record/", WHY)
    assert found(Lot, "ZERO-0003") and waiting(net, "template_lot") == []
