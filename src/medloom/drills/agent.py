"""Case 13: the agent is killed between the hub's commit and the answer, again and again: 0 lost, 0 twice.

Real processes: a hub worker on PostgreSQL, and the agent with its own store and a folder of files. A
proxy between them holds back the answer to a push that the hub has committed, and kills the agent then;
every other kill falls at a random moment, so that reading, storing and starting are hit too.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from medloom.drills.crash import Server
from medloom.process.programs import keep, search_path

SITE = "D13"
ROWS_PER_FILE = 40
TURN_SECONDS_MAX = 60.0
SETTLE_SECONDS_MAX = 120.0
FIELDS = "{number: {column: number, as: code, required: true}, name: {column: name, as: text}}"
MAPPING = f"""
feed: drill
match: {{files: ["drill_*.csv"]}}
records: [{{type: item, kind: set, key: [number], fields: {FIELDS}}}]
"""


@dataclass(frozen=True)
class Killed:
    """What happened. `lost` and `twice` decide; `between`: kills after a commit and before its answer."""

    seed: int
    kills: int
    between: int
    rows: int
    lost: int
    twice: int
    seconds: float

    @property
    def survived(self) -> bool:
        """Every row has exactly one entry, and kills did fall between commit and answer."""
        return not self.lost and not self.twice and self.between > 0


@dataclass
class Between:
    """The proxy: forwards to the hub; `strike`, when set, is called once after a push was committed."""

    hub: str
    strike: Callable[[], None] | None = None
    struck: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Forward one request; the strike falls when the hub has answered and nobody has heard it."""
        found = httpx.post(self.hub + path, content=body, headers=headers, timeout=60)
        strike = self.strike
        if strike is not None and path == "/sync/push" and found.status_code == 200:
            self.strike = None
            strike()
            self.struck.set()
        kept = {n: v for n, v in found.headers.items() if n in ("medloom-message", "content-type")}
        return found.status_code, kept, found.content


@contextlib.contextmanager
def _proxy(between: Between, port: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            passed = {n: v for n, v in self.headers.items() if n.lower() not in ("host", "content-length")}
            status, headers, content = between.answer(self.path, body, passed)
            with contextlib.suppress(OSError):  # the agent was killed meanwhile: that is the drill
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class _Agent:
    """The agent as a process of its own."""

    config: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.config.parent / "agent.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "medloom", "agent", "run", str(self.config)],
                stdout=output,
                stderr=output,
                env=os.environ | {"PYTHONPATH": search_path()},
                start_new_session=True,
            )

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def run_case13(seed: int, *, kills: int = 200) -> Killed:
    """Kill the agent `kills` times while files keep coming, then let it finish and count.

    Needs Django on the hub's database, which MEDLOOM_STATE and MEDLOOM_DATABASE_NAME name.
    """
    chance = random.Random(seed)  # noqa: S311  a repeatable drill
    began = time.monotonic()
    port = next(p for p in range(18_700 + seed % 100, 18_900) if keep("127.0.0.1", p))
    server = Server(next(p for p in range(port + 1, 19_100) if keep("127.0.0.1", p)))
    with tempfile.TemporaryDirectory(prefix="medloom-drill-") as name:
        folder = Path(name)
        try:
            server.start()
            between = Between(server.url)
            with _proxy(between, port) as url:
                agent = _Agent(_prepare(folder, url))
                hits = 0
                try:
                    for turn in range(kills):
                        _drop(folder / "files", seed, turn)
                        hits += _turn(agent, between, chance)
                    agent.start()
                    _settle(seed, kills)
                finally:
                    agent.kill()
        finally:
            server.kill()
    lost, twice = _count(seed, kills)
    rows = kills * ROWS_PER_FILE
    return Killed(seed, kills, hits, rows, lost, twice, round(time.monotonic() - began, 1))


def _prepare(folder: Path, url: str) -> Path:
    from django.utils import timezone

    from medloom.parties import keys

    (folder / "mappings").mkdir()
    (folder / "files").mkdir()
    (folder / "mappings" / "drill.yaml").write_text(MAPPING, encoding="utf-8")
    code = secrets.token_urlsafe(12)
    digest = hashlib.sha256(code.encode()).digest()
    keys.open_enrolment(SITE, digest, expires=timezone.now() + dt.timedelta(hours=2))
    config = {
        "site": SITE,
        "hub": url,
        "state": "state",
        "enrolment": code,
        "poll_seconds": 0.2,
        "folders": [{"path": "files", "mappings": "mappings", "settle_seconds": 0.0}],
    }
    path = folder / "agent.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def _number(seed: int, turn: int, row: int) -> str:
    return f"D13-{seed}-{turn}-{row}"


def _drop(folder: Path, seed: int, turn: int) -> None:
    """One more file, placed whole."""
    lines = ["number,name", *(f"{_number(seed, turn, row)},row {row}" for row in range(ROWS_PER_FILE))]
    half = folder / f"drill_{turn:04}.csv.part"
    half.write_text("\n".join(lines) + "\n", encoding="utf-8")
    half.rename(folder / f"drill_{turn:04}.csv")


def _turn(agent: _Agent, between: Between, chance: random.Random) -> int:
    """Start the agent and kill it: two times of three after a commit and before its answer, else anywhere."""
    between.struck.clear()
    aimed = chance.random() < 2 / 3
    between.strike = agent.kill if aimed else None
    agent.start()
    if aimed:
        hit = between.struck.wait(TURN_SECONDS_MAX)
        between.strike = None
        agent.kill()
        return int(hit)
    time.sleep(chance.uniform(0.2, 3.0))
    agent.kill()
    return 0


def _settle(seed: int, kills: int) -> None:
    until = time.monotonic() + SETTLE_SECONDS_MAX
    while time.monotonic() < until and _count(seed, kills)[0]:
        time.sleep(0.3)


def _count(seed: int, kills: int) -> tuple[int, int]:
    """Rows without an entry, and entries beyond one for a row."""
    from medloom.kernel.access import seeing
    from medloom.kernel.models import Entry

    wanted = {_number(seed, turn, row) for turn in range(kills) for row in range(ROWS_PER_FILE)}
    with seeing(SITE):
        bodies = Entry.objects.filter(site=SITE, type="item").values_list("body", flat=True)
        found = [json.loads(body).get("fields", {}).get("number") for body in bodies]
    told = [number for number in found if number in wanted]
    return len(wanted - set(told)), len(told) - len(set(told))
