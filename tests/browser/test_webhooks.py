"""The page of webhooks: refused inside, made, tested, delivered, paused, replayed and ended by a person."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from medloom.drills.receiver import once_each, receiving, taken
from medloom.interfaces.webhooks import courier
from medloom.parties.models import Attempt, SigningKey, Subscription
from tests.browser.conftest import check_page
from tests.browser.network import Network, build, sequence
from tests.browser.visits import log_in
from tests.live_process import free_port

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    settings.LIVE_PORT = 0
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    found = build()
    sequence()
    return found


@pytest.mark.refusals  # the refused address is one of its steps
def test_a_subscription_from_its_making_to_its_end(
    net: Network, page: Page, live_server: Any, tmp_path: Path
) -> None:
    port, file = free_port(), tmp_path / "taken"
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/webhooks/")
    check_page(page, "webhooks-empty")
    page.fill("#name", "质量系统")
    page.fill("#url", "https://169.254.169.254/latest/meta-data/")
    page.click("text=创建订阅")
    expect(page.get_by_role("alert")).to_contain_text("内部网络")
    page.fill("#url", f"http://127.0.0.1:{port}/in")
    page.select_option("#start", "all")
    page.click("text=创建订阅")
    expect(page.locator("h1")).to_contain_text("质量系统")
    row = Subscription.objects.get()
    home = f"{live_server.url}/webhooks/{row.id}/"
    with receiving(port, file):
        page.click("text=发送测试")
        expect(page.locator("h1")).to_contain_text("HTTP 204")
        expect(page.get_by_label("请求头")).to_contain_text("webhook-signature")
        courier.serve(row.id, threading.Event())
        done = once_each(file)
        assert done and done == list(range(1, len(done) + 1))
        page.goto(home)
        expect(page.locator("table.list").first).to_contain_text("HTTP 204")
        page.fill("#position", "3")
        page.get_by_role("button", name="重新推送").click()
        expect(page.locator("body")).to_contain_text("将从位置 3 之后重新推送")
        courier.serve(row.id, threading.Event())
        assert taken(file)[-1]["positions"][-1] == done[-1] and len(taken(file)) > 2
        one = Attempt.objects.order_by("-id")[0]
        page.goto(f"{home}{one.id}/")
        expect(page.get_by_label("请求正文")).to_contain_text('"specversion": "1.0"')
        before = len(taken(file))
        page.get_by_role("button", name="再次发送").click()
        expect(page.locator("body")).to_contain_text("接收方已接收：HTTP 204")
        again = taken(file)
        assert len(again) == before + 1 and again[-1]["headers"]["webhook-id"] == one.named
        check_page(page, "webhook-delivery")
    Subscription.objects.update(position=0, next_at=timezone.now())
    courier.serve(row.id, threading.Event())
    page.goto(f"{home}?show=failed")
    expect(page.locator("table.list tbody tr")).to_have_count(1)
    check_page(page, "webhook-failing")
    page.goto(f"{live_server.url}/webhooks/")
    expect(page.locator("table.list")).to_contain_text("无法送达")
    check_page(page, "webhooks")
    page.click("text=质量系统")
    page.get_by_role("button", name="暂停").click()
    expect(page.locator("h1")).to_contain_text("已暂停")
    page.click("text=终止订阅")
    page.get_by_role("button", name="永久终止").click()
    expect(page.locator("body")).to_contain_text("订阅已终止")
    assert Subscription.objects.get().state == "ended"


def test_a_key_is_replaced_with_an_overlap_that_may_be_taken_back_or_ended(
    net: Network, page: Page, live_server: Any
) -> None:
    log_in(page, live_server.url, "anna")
    page.goto(f"{live_server.url}/webhooks/")
    keys = page.locator("#keys table tr")
    expect(keys).to_have_count(1)
    page.locator("#keys summary").click()
    page.select_option("#overlap", "1")
    page.get_by_role("button", name="Replace the key now").click()
    expect(keys).to_have_count(2)
    page.get_by_role("button", name="Keep the other key").click()
    expect(page.locator("body")).to_contain_text("The other key stays in force")
    assert SigningKey.objects.get(number=1).until is None
    page.get_by_role("button", name="End the overlap").click()
    expect(keys).to_have_count(1)
    expect(keys).to_contain_text("1")


def test_another_party_sees_none_of_it_and_a_reader_makes_none(
    net: Network, page: Page, live_server: Any
) -> None:
    log_in(page, live_server.url, "lin")
    page.goto(f"{live_server.url}/webhooks/")
    expect(page.locator("h1")).to_have_text("Webhooks")
    assert page.locator("#url").count() == 0, "making one is information technology's business"
