"""The demonstration as a newcomer starts it: time to the first page, memory, and how fast a change travels.

demo_start_s  from `medloom demo` on an empty state folder to the login page in a client's hands
sync          an agent of the headquarters commits a work order in its own store; measured until the order
              stands in a page that Chromium shows, and until it stands in the machining plant's own table
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from bench.context import Context
from bench.figure import Figure
from bench.hub import free_port
from medloom.process import roles
from medloom.process.state import State

STARTS, SAMPLES = 3, 20
SETTLE_S = 15.0
WAIT_S = 30.0
SITE, ORDER = "MACH", "BENCH-1"

START = (
    "initdb, migrations and the import of Django in each of a dozen processes; nothing is kept from before."
)
HUB = "Every process of the hub but PostgreSQL, shared pages counted once (PSS): Django and its libraries."
AGENT = (
    "Django without a database for the declarations, SQLite, SQLAlchemy and httpx (PSS of the largest agent)."
)
PAGE = (
    "Agent's push, commit, the sequencer's next look (20 ms), the bell, the server-sent event, the page's "
    "own request for the rows it shows."
)
PLANT = "As for the page; then the hint to the receiving agent, its pull and its write to the plant's table."


@dataclass
class Demo:
    """A running demonstration."""

    process: subprocess.Popen[str]
    state: State
    url: str
    accounts: list[dict[str, str]]
    start_s: float


def measure(context: Context) -> list[Figure]:
    """Start the demonstration a few times; the last one stays up for the other figures."""
    starts = []
    for number in range(1 if context.quick else STARTS):
        last = number == (0 if context.quick else STARTS - 1)
        with demonstration() as demo:
            starts.append(demo.start_s)
            context.say(f"started in {demo.start_s:.1f} s")
            if last:
                time.sleep(SETTLE_S)
                page, plant = _sync(context, demo, 5 if context.quick else SAMPLES)
                hub, agent = _memory(demo)
    figures = [
        Figure("demo_start_s", "s", starts, START, reach=300),
        Figure("hub_memory_mb", "MB", [sum(hub.values())], HUB, detail=hub),
        Figure("agent_memory_mb", "MB", agent, AGENT),
    ]
    for name, taken, limits in (("sync_ms", page, PAGE), ("sync_plant_ms", plant, PLANT)):
        detail = {"samples": len(taken)}
        figures.append(Figure(f"{name}_p50", "ms", [statistics.median(taken)], limits, detail=detail))
        figures.append(Figure(f"{name}_p99", "ms", [sorted(taken)[int(len(taken) * 0.99)]], limits))
    return figures


@contextlib.contextmanager
def demonstration() -> Iterator[Demo]:
    """`medloom demo` on an empty state folder, until its login page answers; ended and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="medloom-demo-", dir="/var/tmp"))
    folder.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDLOOM_")}
    environment["MEDLOOM_STATE"] = str(folder / "state")
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    began = time.perf_counter()
    command = [sys.executable, "-P", "-m", "medloom", "demo", "--json", "--port", str(free_port())]
    with (folder / "demo.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        told = _ready(process, folder / "demo.log")
        if httpx.get(f"{told['url']}login/", timeout=30).status_code != 200:
            raise AssertionError("the login page does not answer")
        seconds = time.perf_counter() - began
        yield Demo(process, State(folder / "state"), told["url"].rstrip("/"), told["accounts"], seconds)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        if process.poll() is None:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _ready(process: subprocess.Popen[str], log: Path) -> dict[str, Any]:
    for line in process.stdout or ():
        with contextlib.suppress(ValueError):
            told: dict[str, Any] = json.loads(line)
            if told.get("ready"):
                return told
    raise RuntimeError(f"the demonstration ended: {log.read_text()[-2000:]}")


def _memory(demo: Demo) -> tuple[dict[str, float], list[float]]:
    """MB of each part of the hub, and of each agent."""
    hub: dict[str, float] = {}
    agents = []
    for child in psutil.Process(demo.process.pid).children(recursive=True):
        words = " ".join(child.cmdline())
        if "postgres" in child.name():
            continue
        megabytes = child.memory_full_info().pss / 1e6
        if "agent run" in words:
            agents.append(megabytes)
            continue
        part = next((p for p in ("asgi", "rsgi", "sequencer", "worker") if p in words), "supervisor")
        hub[part] = hub.get(part, 0) + megabytes
    return hub, agents


def _sync(context: Context, demo: Demo, samples: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the commit in the agent's store to the page, and to the plant's table."""
    from tools.browser import running as chromium

    with _agent(context, demo) as commit, chromium() as browser:
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        account = next(each for each in demo.accounts if each["user"] == "planner")
        page.goto(f"{demo.url}/login/")
        page.fill("#id_username", account["user"])
        page.fill("#id_password", account["password"])
        page.press("#id_password", "Enter")
        page.wait_for_url(f"{demo.url}/")
        commit(1)  # the order itself; the samples change its quantity
        if not _until(lambda: _quantity(demo) == 1):
            raise AssertionError("the order did not arrive in the plant's table")
        commit.settle()
        page.goto(f"{demo.url}/o/work_order/")
        to_page, to_plant = [], []
        for quantity in range(2, samples + 2):
            arrived: list[float] = []
            watcher = threading.Thread(target=_watch_table, args=(demo, quantity, arrived))
            watcher.start()
            page.evaluate(WATCH, commit.object)
            began = commit(quantity)
            seen = page.evaluate("() => window.benchSeen")
            watcher.join(WAIT_S)
            if not seen or not arrived:
                raise AssertionError(f"{quantity} did not arrive: page {bool(seen)}, plant {bool(arrived)}")
            to_page.append(seen - began * 1e3)
            to_plant.append((arrived[0] - began) * 1e3)
            commit.settle()
        return to_page, to_plant


#: Promises the moment at which the row's text changes in the page; null after half a minute.
WATCH = """(id) => { window.benchSeen = new Promise((resolve) => {
    const text = () => (document.getElementById("row-" + id) || {innerText: null}).innerText;
    const before = text();
    const watch = new MutationObserver(() => {
        if (text() !== before) { watch.disconnect(); resolve(Date.now()); } });
    watch.observe(document.body, {subtree: true, childList: true, characterData: true});
    setTimeout(() => resolve(null), 30000);
}); }"""


def _quantity(demo: Demo) -> int | None:
    """What the plant's own table says of the order."""
    found = roles.administrator(demo.state) | {"dbname": "demo_plant"}
    with psycopg.connect(**found, autocommit=True) as plant:
        row = plant.execute("SELECT quantity FROM job WHERE number = %s", [ORDER]).fetchone()
    return row[0] if row else None


def _until(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.02)
    return False


def _watch_table(demo: Demo, quantity: int, arrived: list[float]) -> None:
    """Note the time when the plant's own table has the quantity."""
    found = roles.administrator(demo.state) | {"dbname": "demo_plant"}
    with psycopg.connect(**found, autocommit=True) as plant:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            row = plant.execute("SELECT 1 FROM job WHERE number = %s AND quantity = %s", [ORDER, quantity])
            if row.fetchone():
                arrived.append(time.time())
                return
            time.sleep(0.002)


class Commit:
    """The headquarters' agent with its real store, in this process."""

    def __init__(self, agent: Any) -> None:
        import uuid_utils

        self.agent, self.object = agent, str(uuid_utils.uuid7())

    def __call__(self, quantity: int) -> float:
        """Commit the order with that quantity in the agent's store; the time of the commit."""
        from medloom.agent.assemble import now_text
        from medloom.wire.operation import Kind
        from medloom.wire.writing import Draft, write

        fields: dict[str, Any] = {"quantity": quantity}
        if quantity == 1:
            fields |= {"number": ORDER, "item": "B-2001", "due": "2027-01-31"}
        draft = Draft(
            type="work_order", object=self.object, kind=Kind.SET, fields=fields, at=now_text(), actor="bench",
            base=0 if quantity == 1 else None, home=SITE, reason="benchmark",
        )  # fmt: skip
        with self.agent.store.transaction():
            write(self.agent.store, [draft], site="HQ")
        began = time.time()
        self.agent.step()
        return began

    def settle(self) -> None:
        """Go on until the agent has its own line back."""
        if not _until(lambda: not self.agent.step() and not self.agent.store.unlined()):
            raise AssertionError("the agent's own line does not come")


@contextlib.contextmanager
def _agent(context: Context, demo: Demo) -> Iterator[Commit]:
    """An agent of the headquarters, enrolled at the demonstration's hub."""
    os.environ["MEDLOOM_STATE"] = str(demo.state.path)
    os.environ.pop("MEDLOOM_DATABASE_NAME", None)
    Context(demo.state, quick=context.quick).django()
    from medloom.agent.assemble import assemble
    from medloom.agent.config import AgentConfig
    from medloom.demo.network import one_time_code

    with tempfile.TemporaryDirectory() as folder:
        agent = assemble(AgentConfig(site="HQ", hub=demo.url, state=folder, enrolment=one_time_code("HQ")))
        try:
            if not _until(lambda: not agent.step() and agent.ready()):
                raise AssertionError("the agent gets no session")
            yield Commit(agent)
        finally:
            agent.close()
            os.environ["MEDLOOM_STATE"] = str(context.state.path)
