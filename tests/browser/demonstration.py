"""The demonstration as a person starts it and walks it by clicking, and what the plants' own files say."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
import python_calamine
from playwright.sync_api import Locator, Page

from medloom.demo.plants import PLATES_MACHINE
from medloom.demo.replay import logged
from medloom.process.programs import search_path
from medloom.process.state import State, conninfo
from tests.journeys.files_to_units import generated_shifts, moulded, real_plant, real_shifts
from tests.live_process import free_port
from tests.plant_files import DATA

REAL = (DATA / "nist_mtc_machined_parts").is_dir()
START_S_MOST, SETTLED_S_MOST, STOP_S_MOST = 900, 900, 120


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

    def _ask(self, question: str) -> tuple[Any, ...]:
        """One row of the hub's own database."""
        with pytest.MonkeyPatch.context() as patch:
            for name in [each for each in os.environ if each.startswith("MEDLOOM_DATABASE")]:
                patch.delenv(name)  # other tests of this run have named a database of their own
            place = conninfo("owner", self.state)
        with psycopg.connect(place) as link:
            return link.execute(question).fetchone() or ()

    def _settled(self) -> bool:
        """Whether laboratories disagree and what the log contradicts is held; and for a while no new hold,
        nor anything of the two plants that are read to their end."""
        found = self._ask(
            "select (select count(*) from disagreement where state = 'open'),"
            " (select count(distinct lot_id) from hold where state = 'open'"
            " and cause like '%parameter%'),"
            " (select max(received) < now() - interval '10 seconds' from entry where type = 'hold'),"
            " (select count(*) from step_record where site = 'PLANT-B' and not voided),"
            " (select coalesce(max(received) < now() - interval '10 seconds', true) from entry"
            " where site in ('PLANT-A', 'PLANT-B'))"
        )
        # A run that names no program raises no hold: only the last record says that the log has been read.
        return found[0] >= 1 and found[1] >= 2 and bool(found[2]) and found[3] >= self.runs and bool(found[4])

    def wait_for_shipments(self) -> None:
        """Until the assembling plant has told all it shipped: the last of what it tells."""
        asked = (
            "select (select count(*) from shipment_line) > 0,"
            " (select max(received) < now() - interval '8 seconds' from entry where site = 'PLANT-C')"
        )
        # The generated plants never stand still.
        self._until(lambda: all(self._ask(asked)[: 2 if REAL else 1]), SETTLED_S_MOST)

    def wait_for_counts(self) -> None:
        """Until the worker has counted all that the machining plant has told: it counts every minute."""
        asked = (
            "select not exists (select from entry e left join leaf l on l.seq = e.seq"
            " where e.site = 'PLANT-B' and (l.index is null or l.index > m.last)) from feed_measured m"
        )
        self._until(lambda: self._ask(asked) == (True,), SETTLED_S_MOST)

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


def lots(texts: list[str]) -> set[str]:
    """The numbers of the plates that are named."""
    return {found.group(1) for text in texts if (found := re.search(r"PLATE-(\d+)", text))}


def cut_lines() -> Counter[str]:
    """What is left of the lines of the machining plant's log that were cut off."""
    return Counter(line.decode() for line in _log() if line.count(b"|") < 2)


def failed() -> dict[str, int]:
    """Laboratory -> characteristics that its QIF file calls failed."""
    folder = DATA / "nist_mtc_machined_parts"
    files = {"MTC": "incoming_inspection/PlateResults_20_samples.QIF", "NIST": "fair/*.qif"}
    return {
        name: sum(
            path.read_text("utf-8").count("CharacteristicStatusEnum>FAIL<") for path in folder.glob(pattern)
        )
        for name, pattern in files.items()
    }


def read_sheet(path: Path) -> list[list[Any]]:
    """The rows of a workbook's first sheet, with its header."""
    return python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()


def rows_of_files() -> dict[tuple[str, str], int]:
    """Plant and feed -> rows of the plant's own file, where one row is one record."""
    static = DATA / "optimold_injection_plant" / "static"
    erp = DATA / "adventureworks_erp"
    lines = len((erp / "PurchaseOrderDetail.csv").read_bytes().strip().splitlines())
    return {
        ("PLANT-A", "boms"): len(read_sheet(static / "itemCompositionSummary.xlsx")) - 1,
        ("PLANT-A", "items"): len(read_sheet(static / "itemInfo.xlsx")) - 1,
        ("PLANT-C", "purchase_lines"): lines,
        ("PLANT-C", "work_orders"): len(real_plant(erp).orders),
    }


def shipped(state: State) -> dict[str, int]:
    """Resin lot -> devices shipped with some of it: by the moulding plant's files and the assembling plant's
    own tables, without the hub.
    """
    demo = state.path / "demo"
    made = moulded(
        real_shifts(DATA / "optimold_injection_plant") if REAL else generated_shifts(demo / "files" / "MOLD")
    )
    config = json.loads((demo / "agents" / ("PLANT-C" if REAL else "ASSY") / "agent.yaml").read_text("utf-8"))
    slots = ", ".join(f"lot_{n:02}" for n in range(1, 13))
    with psycopg.connect(config["databases"][0]["url"].replace("+psycopg", "")) as link:
        received = link.execute("select partner_lot, lot from synthetic_receipt").fetchall()
        steps = link.execute(f"select output_lot, {slots} from synthetic_step").fetchall()
        sent = link.execute("select lot, quantity from synthetic_move where kind = 'shipped'").fetchall()
    resins: dict[str, set[str]] = {}
    for order, lot in received:
        resins.setdefault(lot, set()).update(made[order].resins if order in made else ())
    for _ in range(3):  # a part's lot, an order's lot, a packed lot
        for output, *inputs in steps:
            resins.setdefault(output, set()).update(*(resins.get(lot, set()) for lot in inputs if lot))
    found: Counter[str] = Counter()
    for lot, quantity in sent:
        found.update(dict.fromkeys(resins.get(lot, ()), int(quantity)))
    return dict(found)
