"""An auditor downloads the proof of a record and checks it where no hub is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect

from medloom.interfaces.commands.verify import verify_proof
from tests.browser.conftest import check_page
from tests.browser.network import Network, build, sequence
from tests.browser.visits import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None, settings: Any) -> Network:
    """The generated network; no live stream, which has a test of its own."""
    settings.LIVE_PORT = 0
    return build()


def test_a_downloaded_proof_holds_and_a_tampered_one_does_not(
    page: Page, live_server: Any, net: Network, tmp_path: Path
) -> None:
    sequence()
    log_in(page, live_server.url, "audit")
    page.goto(f"{live_server.url}/ledger/")
    key = page.locator("#hub-key").inner_text().strip()
    page.goto(f"{live_server.url}/ledger/7/")
    check_page(page, "record-proof")
    with page.expect_download() as download:
        page.locator(".deeds a").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    told = CliRunner().invoke(verify_proof, [str(file), "--key", key, "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["record"] == 7

    proof = json.loads(file.read_text("utf-8"))
    for part, value in (("verdict", "rejected"), ("version", 9), ("operation", "e30="), ("index", 0)):
        forged = tmp_path / f"{part}.json"
        forged.write_text(json.dumps({**proof, part: value}), encoding="utf-8")
        told = CliRunner().invoke(verify_proof, [str(forged), "--key", key])
        assert (told.exit_code, "FAILS" in told.output) == (1, True), part
    strange = CliRunner().invoke(verify_proof, [str(file), "--key", "00" * 32])
    assert strange.exit_code == 1, "another hub's key does not stand behind it"


@pytest.mark.refusals
def test_a_record_that_is_not_in_the_log_yet_has_no_proof(page: Page, live_server: Any, net: Network) -> None:
    log_in(page, live_server.url, "audit")
    page.goto(f"{live_server.url}/ledger/7/")
    expect(page.locator(".deeds a")).to_have_count(0)
    answer = page.goto(f"{live_server.url}/ledger/7/proof.json")
    assert answer is not None and answer.status == 409
    expect(page.get_by_text("The record is not in the log yet")).to_be_visible()
