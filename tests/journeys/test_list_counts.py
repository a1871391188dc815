"""What a list and the overview count stays bounded, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from medloom.interfaces.web import listing, queries
from medloom.interfaces.web.listing import Listing, answer
from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.materials.models import Lot
from tests.browser.network import build

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lots(transactional_db: None) -> Iterator[list[Lot]]:
    """The lots of the test network, newest first."""
    build()
    with seeing(ALL):
        yield list(Lot.objects.filter(voided=False).order_by("-num"))


def test_rows_states_and_pages_agree_and_take_one_statement(lots: list[Lot]) -> None:
    with CaptureQueriesContext(connection) as asked:
        sheet = answer(Listing("lot"), query=QueryDict(), sites={})
    assert (sheet.count, sheet.more) == (len(lots), False)
    assert dict(sheet.states) == {s: sum(lot.state == s for lot in lots) for s in {lot.state for lot in lots}}
    assert sum(" COUNT(" in each["sql"] for each in asked.captured_queries) == 1


def test_beyond_the_bound_the_newest_are_counted_and_the_page_says_so(
    lots: list[Lot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNT_MOST", len(lots) - 1)
    sheet = answer(Listing("lot"), query=QueryDict(), sites={})
    assert (sheet.count, sheet.more) == (len(lots) - 1, True)
    assert sum(count for _, count in sheet.states) == len(lots)  # the one too many tells that there are more


def test_what_waits_for_the_sequencer_is_counted_by_its_number(lots: list[Lot]) -> None:
    """The planner is given the seal's number, so it need not expect a third of the ledger behind it."""
    with CaptureQueriesContext(connection) as asked:
        waiting = queries.unsequenced()
    assert waiting["count"] == Entry.objects.count() > 0
    (statement,) = [each["sql"] for each in asked.captured_queries if "from entry e" in each["sql"]]
    assert "e.seq > 0 order" in statement
    assert "seal" not in statement
