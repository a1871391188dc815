"""Trace events on the pages: the list, one event with its lots, its text and its history."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medloom.formats.epcis.making import Thing, When, document, observation, transformation
from medloom.parties.models import Role, User
from tests.browser.conftest import check_page
from tests.browser.network import LONG_LOT, build
from tests.browser.visits import log_in
from tests.journeys.calling import program

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AT = dt.datetime(2026, 11, 18, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def test_events_are_listed_and_read(
    transactional_db: None, settings: Any, page: Page, live_server: Any
) -> None:
    settings.LIVE_PORT = 0
    build()
    Role.objects.create(user=User.objects.get(username="lin"), role="it")
    number = "0197a000-0007-7000-8000-00000000000"
    made = transformation(
        object_=f"{number}1", when=When(AT), site="SZ",
        inputs=[Thing("SZ", LONG_LOT, quantity="25", unit="kg")],
        outputs=[Thing("SZ", "H-1001", quantity="500")],
    )  # fmt: skip
    seen = observation(
        object_=f"{number}2", when=When(AT), site="SZ", things=[Thing("SZ", "H-1001")], step="shipping",
        disposition="in_transit",
    )  # fmt: skip
    answer = program("lin").post("/epcis/capture", document([made, seen], created=AT))
    assert answer.status_code == 202, answer.content
    log_in(page, live_server.url, "anna", language="zh-hans")
    page.goto(f"{live_server.url}/o/trace_event/")
    expect(page.locator("table.list tbody tr")).to_have_count(2)
    check_page(page, "trace-events")
    page.locator("table.list tbody tr", has_text="转换").locator("a").first.click()
    expect(page.locator("body")).to_contain_text(LONG_LOT)
    check_page(page, "trace-event")
