"""Two agents claim to be one plant: a person chooses, with a reason, and the protocol obeys."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Alarm, Entry, Session
from medloom.parties.models import Connection
from medloom.wire.messages import Mode
from medloom.wire.session import SiteSession, Speaker
from tests.browser.conftest import check_page
from tests.browser.network import Network, build
from tests.browser.visits import follow, log_in, say_why

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OTHER = "c" * 32


def epoch_of(site: str) -> str:
    """The epoch under which the generated network's agent of that plant sends."""
    return f"{sum(map(ord, site)):032x}"


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network, where a copy of the agent of SZ runs too; no live stream."""
    settings.LIVE_PORT = 0
    net = build()
    now = dt.datetime.now(dt.UTC)
    heard_s = int(now.timestamp())
    speakers = tuple(
        Speaker(epoch, f"t-{epoch[-2:]}", heard_s, Mode.CLONED) for epoch in (epoch_of("SZ"), OTHER)
    )
    row = SiteSession("SZ", speakers)
    Session.objects.create(site="SZ", state=msgspec.json.encode(row).decode(), seen=now)
    return net


def modes() -> dict[str, Mode]:
    """What each agent of SZ may do now."""
    row = msgspec.json.decode(Session.objects.get(site="SZ").state, type=SiteSession)
    return {speaker.epoch: speaker.mode for speaker in row.speakers}


@pytest.mark.refusals
def test_one_of_two_agents_is_chosen_with_a_reason(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/connections/")
    check_page(page, "connections-cloned")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.reload()
    follow(page, "Choose which one goes on")
    check_page(page, "choose-agent")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": live_server.url}])
    page.reload()
    mine = page.locator("label.agent", has=page.locator(f"input[value='{epoch_of('SZ')}']"))
    expect(mine).to_contain_text("orders.csv!2")
    mine.locator("input").check()
    say_why(page, "the copy was a test machine")
    follow(page, "Let the chosen agent go on")
    expect(page.get_by_text("Chosen. It goes on at once")).to_be_visible()
    expect(page.get_by_text("chosen by a person")).to_be_visible()
    assert modes() == {epoch_of("SZ"): Mode.FULL, OTHER: Mode.DRAIN}
    assert Alarm.objects.get(code="clone", site="SZ").seen_at is not None
    with seeing(ALL):
        port = Connection.objects.get(key="C-1")
        told = json.loads(Entry.objects.get(seq=port.entry).body)
    assert (port.agent, told["reason"]) == (epoch_of("SZ"), "the copy was a test machine")
    page.goto(f"{live_server.url}/connections/SZ/choose/")
    expect(page.get_by_text("there is nothing to choose")).to_be_visible()


@pytest.mark.refusals
def test_a_plants_person_sees_both_and_does_not_choose(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/connections/SZ/choose/")
    expect(page.locator("label.agent")).to_have_count(2)
    expect(page.get_by_text("The registrant's information technology chooses.")).to_be_visible()
    expect(page.get_by_role("button", name="Let the chosen agent go on")).to_have_count(0)
    answer = page.goto(f"{live_server.url}/connections/PG/choose/")
    assert answer is not None and answer.status == 404
