"""The equipment timeline: lanes on one axis, zoomed by buttons, and a run that leads to its record."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import check_page
from tests.browser.network import Network
from tests.browser.visits import log_in
from tests.journeys.test_timeline import machine_told

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    settings.LIVE_PORT = 0
    return machine_told()


def test_lanes_zoom_together_and_a_run_leads_to_its_record(
    page: Page, live_server: Any, net: Network
) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/timeline/")
    chart = page.locator("#machine-chart[data-ready=yes]")
    expect(chart).to_contain_text("SPEED")  # the measured parameter has a lane of its own
    expect(page.locator("#runs td.against[data-tone=bad]", has_text="9000")).to_have_count(1)
    page.click("#zoom-in")
    expect(chart).to_have_attribute("data-shown", "50.0")
    page.click("#zoom-all")
    expect(chart).to_have_attribute("data-shown", "100.0")
    check_page(page, "timeline")
    # The words lie on the bar and take no click themselves: the bar below them does.
    chart.get_by_text("P-01", exact=True).first.click(force=True)
    expect(page.locator("h1")).to_contain_text("M01/P-01")
