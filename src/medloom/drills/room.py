"""Case 16: the hub's disk is full. Writing is refused with 503, reading goes on; with room all is as before.

The whole product by `medloom up` with its own PostgreSQL, on a small file system of its own where this
account may make one; another program then takes the last byte of it. Elsewhere the hub's floor of free
space is set a little below what the disk has, and a large file crosses it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import psycopg

from medloom.drills.crash import _lots
from medloom.drills.plant import Plant
from medloom.drills.store import _fill, _may_mount
from medloom.process.account import die_with_parent
from medloom.process.programs import free, search_path
from medloom.process.state import DATABASE, State, conninfo
from medloom.wire.messages import Pull

DISK_MIB = 420
READY_S_MAX = 180.0
BATCH = 500


@dataclass(frozen=True)
class Full:
    """What happened. `lost`: operations answered 200 that are not in the ledger at the end."""

    seed: int
    how: str
    acknowledged: int
    refused_503: int
    reads: int
    reads_failed: int
    database_starts: int
    lost: int
    seconds: float

    @property
    def survived(self) -> bool:
        """Refused while full, read all along, nothing lost, and the database never went down."""
        right = self.refused_503 > 0 and self.reads > 0 and not self.reads_failed
        return right and not self.lost and self.database_starts == 1


@dataclass
class _Hub:
    """`medloom up` in a folder; `place` is its state folder as we see it."""

    folder: Path
    own: list[str]
    ports: tuple[int, int]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def place(self) -> Path:
        assert self.process is not None
        seen = Path(f"/proc/{self.process.pid}/root") if self.own else Path("/")
        return seen / str(self.folder / "state").lstrip("/")

    def environment(self, place: Path) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDLOOM_")}
        return kept | {"MEDLOOM_STATE": str(place), "PYTHONPATH": search_path()}

    def start(self, floor_mib: int) -> None:
        """Start it and wait for its pages. Raises AssertionError when they do not come."""
        command = [sys.executable, "-P", "-m", "medloom", "up", "--json", "--web-workers", "1"]
        command += ["--port", str(self.ports[0]), "--live-port", str(self.ports[1])]
        if self.own:
            mount = (
                f'mount -t tmpfs -o size={DISK_MIB}m,mode=755 tmpfs "{self.folder / "state"}" && exec "$@"'
            )
            command = [*self.own, "sh", "-c", mount, "sh", *command]
        floor = {} if self.own else {"MEDLOOM_FREE_MIB_MIN": str(floor_mib)}
        self.process = subprocess.Popen(
            command,
            env=self.environment(self.folder / "state") | floor,
            stdout=subprocess.DEVNULL,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  (one prctl; see process.account)
        )
        until = time.monotonic() + READY_S_MAX
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/login/", timeout=5).status_code == 200:
                    return
            time.sleep(0.2)
        raise AssertionError("the hub does not come up")

    def told(self) -> dict[str, object]:
        """What `medloom status` reads."""
        found: dict[str, object] = json.loads((self.place / "tree.json").read_text(encoding="utf-8"))
        return found

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)


@contextlib.contextmanager
def _hub(seed: int) -> Iterator[_Hub]:
    ports = [p for p in range(20_200 + seed % 100, 20_400) if free("127.0.0.1", p)][:2]
    folder = Path(tempfile.mkdtemp(prefix="medloom-drill-"))
    folder.chmod(0o755)
    (folder / "state").mkdir()
    # An ordinary user's namespace knows one account only, and PostgreSQL wants another than root.
    own = _may_mount(folder / "state") if os.geteuid() == 0 else []
    hub = _Hub(folder, own, (ports[0], ports[1]))
    free_mib = shutil.disk_usage(folder).free // 2**20
    try:
        hub.start(floor_mib=free_mib - 400)
        yield hub
    finally:
        hub.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _enrolled(hub: _Hub) -> Plant:
    """A plant with a key and an open session; everything over HTTP, the code by the command."""

    def carry(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        answer = httpx.post(hub.url + path, content=body, headers=dict(headers), timeout=60)
        return (
            answer.status_code,
            {"Medloom-Message": answer.headers.get("medloom-message", "")},
            answer.content,
        )

    plant = Plant(carry)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "medloom", "enrol", plant.site, "--ahead", "--json"],
        env=hub.environment(hub.place), capture_output=True, text=True, check=True,
    )  # fmt: skip
    wish = {
        "site": plant.site,
        "code": json.loads(done.stdout)["code"],
        "key": plant.key.public_key().public_bytes_raw().hex(),
    }
    assert carry("/sync/enrol", msgspec.json.encode(wish), {})[0] == 204
    plant.open()
    return plant


def _read(hub: _Hub, plant: Plant) -> int:
    """How many of three reads fail: the login page, the plant's feed, its snapshot."""
    failed = 0
    with contextlib.suppress(httpx.HTTPError):
        failed += httpx.get(f"{hub.url}/login/", timeout=30).status_code != 200
    pull = Pull(token=plant.token, hub=plant.hub, feed="v", after=0)
    failed += plant.post("/sync/pull", msgspec.json.encode(pull)).status != 200
    return failed


def run_case16(seed: int, *, tries: int = 8) -> Full:
    """Fill the hub's disk to the last byte, push and read, make room, push the same again, and count."""
    began = time.monotonic()
    acknowledged = refused = reads = failed = 0
    with _hub(seed) as hub:
        plant = _enrolled(hub)
        for turn in range(3):
            raws = _lots(plant, BATCH, f"D16-{seed}-{turn}")
            assert plant.push(raws).status == 200
            acknowledged += BATCH
        ballast = hub.place / "ballast"
        if hub.own:
            _fill(ballast)
        else:
            ballast.write_bytes(bytes(600 * 2**20))
        raws = _lots(plant, BATCH, f"D16-{seed}-full")
        for _ in range(tries):
            time.sleep(0.6)
            reply = plant.push(raws, keep=True)
            refused += reply.status == 503
            assert reply.status == 503, reply
            failed += _read(hub, plant)
            reads += 2
        ballast.unlink()
        time.sleep(1.0)
        assert plant.push(raws).status == 200, "it goes on by itself"
        acknowledged += BATCH
        told = hub.told()["processes"]
        starts = told["database"]["starts"]  # type: ignore[index]
        lost = acknowledged - _kept(hub)
    return Full(
        seed=seed,
        how="disk" if hub.own else "floor",
        acknowledged=acknowledged,
        refused_503=refused,
        reads=reads,
        reads_failed=failed,
        database_starts=starts,
        lost=lost,
        seconds=round(time.monotonic() - began, 1),
    )


def _kept(hub: _Hub) -> int:
    """Entries of the plant's lots that are in the ledger."""
    # By its own name: the environment may name the database of whoever runs the drill.
    with psycopg.connect(conninfo("sequencer", State(hub.place)), dbname=DATABASE) as reader:
        found = reader.execute(
            "select count(*) from entry where type = 'lot' and verdict = 'accepted'"
        ).fetchone()
    assert found is not None
    return int(found[0])
