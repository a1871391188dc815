"""The walk over the three plants' real files, by clicking only: what is to be found is found in a few clicks.

One demonstration is started for all of these tests, on the folder that MEDLOOM_DATA names (else
../shared/data beside the project), as a person starts it. Where no such folder is, the same walks go over
the generated demonstration; which of its parts are at fault, other tests know.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from medloom.demo.plants import PLATES_MACHINE
from medloom.demo.replay import logged
from medloom.process.programs import search_path
from medloom.process.state import State, conninfo
from tests.browser.conftest import picture
from tests.live_process import free_port
from tools.fault import ROOT

pytestmark = pytest.mark.browser

DATA = Path(os.environ.get("MEDLOOM_DATA", ROOT.parent / "shared" / "data"))
REAL = (DATA / "nist_mtc_machined_parts").is_dir()
CLICKS_MOST = 4
START_S_MOST, SETTLED_S_MOST, STOP_S_MOST = 900, 900, 120
#: Plates of the machining plant: holes too large, another value than planned, no program named.
OVERSIZE = {"13", "14", "15", "16", "17", "18"}
AGAINST_PLAN, NO_PROGRAM = {"05", "07"}, {"06", "14"}


def _log() -> list[bytes]:
    return logged(DATA / "nist_mtc_machined_parts" / "machine_log", PLATES_MACHINE)


def _begins(line: bytes) -> bool:
    """Whether the line says that a part stands in the machine from now on."""
    return b"|Part_Id|" in line and not line.endswith(b"|UNAVAILABLE")


class Demonstration:
    """`medloom demo`, as a person starts it in a folder of its own; what it prints is read."""

    def __init__(self, folder: Path) -> None:
        argv = [sys.executable, "-P", "-m", "medloom", "demo", "--json", "--port", str(free_port())]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MEDLOOM_")}
        self.state = State(folder / "state")
        #: Records that the machining plant's log becomes: one for each setup of each part.
        self.runs = sum(map(_begins, _log())) if REAL else 0
        self.output = folder / "demo.log"
        with self.output.open("wb") as said:
            self.process = subprocess.Popen(
                [*argv, "--data", str(DATA), "--pace", "0"] if REAL else argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env=inherited | {"MEDLOOM_STATE": str(folder / "state"), "PYTHONPATH": search_path()},
            )
        self.told: dict[str, Any] = {}
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.told = json.loads(line)

    def wait(self) -> None:
        """Until it serves and the findings that are walked to are there."""
        self._until(lambda: bool(self.told), START_S_MOST)
        self._until(self._settled, SETTLED_S_MOST)

    def _until(self, reached: Any, seconds: int) -> None:
        end = time.monotonic() + seconds
        while not reached():
            assert self.process.poll() is None, self.output.read_text("utf-8", "replace")[-3_000:]
            assert time.monotonic() < end, f"not there after {seconds} s"
            time.sleep(1)

    def _settled(self) -> bool:
        """Whether laboratories disagree and what the log contradicts is held; and no new hold for a while."""
        with pytest.MonkeyPatch.context() as patch:
            for name in [each for each in os.environ if each.startswith("MEDLOOM_DATABASE")]:
                patch.delenv(name)  # other tests of this run have named a database of their own
            place = conninfo("owner", self.state)
        with psycopg.connect(place) as link:
            found = link.execute(
                "select (select count(*) from disagreement where state = 'open'),"
                " (select count(distinct lot_id) from hold where state = 'open'"
                " and cause like '%parameter%'),"
                " (select max(received) < now() - interval '10 seconds' from entry where type = 'hold'),"
                " (select count(*) from step_record where site = 'PLANT-B' and not voided)"
            ).fetchone()
        # A run that names no program raises no hold: only the last record says that the log has been read.
        return (
            found is not None and found[0] >= 1 and found[1] >= 2 and bool(found[2]) and found[3] >= self.runs
        )

    def stop(self) -> None:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_S_MOST)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.listener.join(STOP_S_MOST)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def demonstration() -> Iterator[Demonstration]:
    """The one start of it for this file."""
    folder = Path(tempfile.mkdtemp(prefix="medloom-walk-"))
    folder.chmod(0o755)  # the database's account must be able to enter
    found = Demonstration(folder)
    try:
        found.wait()
        yield found
    finally:
        found.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Walk:
    """A person at the overview who only clicks; the clicks are counted."""

    def __init__(self, page: Page, told: dict[str, Any], language: str = "en") -> None:
        self.page, self.base, self.clicks = page, told["url"].rstrip("/"), 0
        page.set_default_timeout(60_000)
        admin = told["accounts"][0]
        page.goto(f"{self.base}/login/")
        page.fill("#id_username", admin["user"])
        page.fill("#id_password", admin["password"])
        page.press("#id_password", "Enter")
        page.wait_for_url(f"{self.base}/")
        page.context.add_cookies([{"name": "django_language", "value": language, "url": self.base}])
        page.reload()

    def click(self, target: Locator) -> None:
        """One click that opens another page, which answers with 200."""
        with self.page.expect_response(
            lambda r: r.request.is_navigation_request() and r.status != 302
        ) as answer:
            target.first.click()
        self.page.wait_for_load_state("load")
        self.clicks += 1
        assert answer.value.status == 200, answer.value.url

    def menu(self, name: str) -> None:
        """A click in the menu."""
        self.click(self.page.get_by_role("navigation").get_by_role("link", name=name))


@pytest.fixture
def walk(page: Page, demonstration: Demonstration) -> Walk:
    """A person logged in at the overview, in English."""
    return Walk(page, demonstration.told)


def lots(texts: list[str]) -> set[str]:
    """The numbers of the plates that are named."""
    return {found.group(1) for text in texts if (found := re.search(r"PLATE-(\d+)", text))}


def test_parts_with_something_too_large_are_found_in_a_few_clicks(walk: Walk) -> None:
    walk.menu("Parts against limits")
    found = walk.page.locator("#large > .in > ul a.key")
    expect(found.first).to_be_visible()
    if REAL:
        assert lots(found.all_inner_texts()) == OVERSIZE
    name = found.first.inner_text()
    walk.click(found)
    expect(walk.page.locator("h1")).to_contain_text(name)
    assert walk.clicks <= CLICKS_MOST


def test_parts_whose_log_contradicts_the_plan_or_names_no_program_are_found_in_a_few_clicks(
    walk: Walk,
) -> None:
    walk.menu("Equipment timeline")
    walk.click(walk.page.get_by_role("link", name="Contradicts the plan"))
    runs = walk.page.locator("#runs tbody tr")
    against = runs.all_inner_texts()
    walk.click(walk.page.get_by_role("link", name="Says nothing of the plan"))
    silent = walk.page.locator("#runs tbody tr").all_inner_texts()
    assert against and silent
    if REAL:
        assert (lots(against), lots(silent)) == (AGAINST_PLAN, NO_PROGRAM)
    walk.click(runs.get_by_role("link"))
    expect(walk.page.locator("h1")).to_be_visible()
    assert walk.clicks <= CLICKS_MOST


def test_the_disagreement_of_two_laboratories_is_one_item_to_decide(walk: Walk) -> None:
    walk.click(walk.page.locator(".tour-offer").get_by_role("link", name="laboratories disagree"))
    rows = walk.page.locator("tr[data-object]")
    expect(rows).to_have_count(1)
    walk.click(rows.get_by_role("link"))
    walk.click(walk.page.get_by_role("link", name="Settle", exact=True))
    expect(walk.page.locator("table.laboratories tbody tr").first).to_be_visible()
    assert walk.clicks <= CLICKS_MOST


@pytest.mark.parametrize(("language", "take", "on", "end"), [
    ("en", "Take the tour", "Next", "End the tour"), ("zh-hans", "开始导览", "下一步", "结束导览"),
])  # fmt: skip
def test_the_tour_is_taken_to_its_end(
    page: Page, demonstration: Demonstration, language: str, take: str, on: str, end: str
) -> None:
    walk = Walk(page, demonstration.told, language)
    offered = page.locator(".tour-offer li").count()
    assert offered >= 4
    walk.click(page.get_by_role("button", name=take))
    for number in range(1, offered + 1):
        expect(page.locator(".tour")).to_contain_text(f"{number}/{offered}")
        expect(page.locator("main")).to_be_visible()
        picture(page, f"real-tour-{language}-{number}")
        if number < offered:
            walk.click(page.get_by_role("button", name=on, exact=True))
    walk.click(page.get_by_role("button", name=end))
    expect(page.locator(".tour")).to_have_count(0)
