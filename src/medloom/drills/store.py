"""Cases 17, 18 and 22: an agent's disk is full, a bit in its store is flipped, its snapshot is cut off.

A real agent process, its own store, a folder of files, and a hub worker on PostgreSQL. The full disk is a
small file system of the agent's own where this account may make one (a mount namespace); elsewhere the same
end comes by the store's quota.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medloom.agent.status import STATUS_FILE
from medloom.drills.agent import Between, _count, _drop, _prepare, _proxy
from medloom.drills.crash import Server
from medloom.process.account import die_with_parent
from medloom.process.programs import keep, search_path

WAIT_SECONDS_MAX = 120.0
DISK_MIB = 24
QUOTA_MIB = 1
#: Files dropped while there is no room.
FILES = 30


@dataclass(frozen=True)
class Kept:
    """What happened. `lost` and `twice` decide; `seen`: the alarm that a person saw meanwhile."""

    seed: int
    how: str
    seen: str
    rows: int
    lost: int
    twice: int
    seconds: float

    @property
    def survived(self) -> bool:
        """Every row has exactly one entry, and the fault was told."""
        return not self.lost and not self.twice and bool(self.seen)


@dataclass
class Plant:
    """An agent in its folder; `wrap` goes before its command."""

    folder: Path
    config: Path
    wrap: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "agent.log").open("ab") as output:
            self.process = subprocess.Popen(
                [*self.wrap, sys.executable, "-P", "-m", "medloom", "agent", "run", str(self.config)],
                stdout=output,
                stderr=output,
                env=os.environ | {"PYTHONPATH": search_path()},
                preexec_fn=die_with_parent(9),  # noqa: PLW1509  (one prctl; see process.account)
            )

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    @property
    def state(self) -> Path:
        """The agent's state folder as the agent sees it, its own file systems included."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root") / str(self.folder / "state").lstrip("/")

    def told(self) -> dict[str, Any]:
        """What it told last; nothing while it has told nothing."""
        try:
            found: dict[str, Any] = json.loads((self.state / STATUS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def alarms(self) -> list[str]:
        """The codes of its alarms."""
        return [str(alarm["code"]) for alarm in self.told().get("alarms", [])]


def _until(true: Callable[[], object], what: str) -> None:
    until = time.monotonic() + WAIT_SECONDS_MAX
    while not true():
        if time.monotonic() > until:
            raise AssertionError(f"not within {WAIT_SECONDS_MAX} s: {what}")
        time.sleep(0.2)


@contextlib.contextmanager
def _plant(seed: int) -> Iterator[Plant]:
    """A hub, and a plant whose agent is not started yet."""
    server = Server(next(p for p in range(19_200 + seed % 100, 19_400) if keep("127.0.0.1", p)))
    with tempfile.TemporaryDirectory(prefix="medloom-drill-") as name:
        folder = Path(name)
        plant = Plant(folder, Path())
        try:
            server.start()
            plant.config = _prepare(folder, server.url)
            yield plant
        finally:
            plant.stop()
            server.kill()


def _may_mount(folder: Path) -> list[str]:
    """How this account gets a mount namespace of its own; empty where it may not."""
    for how in (["-m"], ["-rm"]):
        argv = ["unshare", *how, "mount", "-t", "tmpfs", "tmpfs", str(folder)]
        with contextlib.suppress(FileNotFoundError):
            if subprocess.run(argv, capture_output=True, check=False).returncode == 0:
                return ["unshare", *how]
    return []


def run_case17(seed: int) -> Kept:
    """Fill the disk, let files come, make room again, and count. Needs Django on the hub's database."""
    began = time.monotonic()
    with _plant(seed) as plant:
        (plant.folder / "state").mkdir(mode=0o700)
        own = _may_mount(plant.folder / "state")
        if own:
            mount = (
                f'mount -t tmpfs -o size={DISK_MIB}m,mode=700 tmpfs "{plant.folder / "state"}" && exec "$@"'
            )
            plant.wrap = [*own, "sh", "-c", mount, "sh"]
        _drop(plant.folder / "files", seed, 0)
        plant.start()
        _until(lambda: _count(seed, 1) == (0, 0), "the first file is told")
        if own:
            _fill(plant.state / "ballast")
        else:
            plant.stop()
            _quota(plant.config, QUOTA_MIB)
            plant.start()
        for turn in range(1, FILES + 1):
            _drop(plant.folder / "files", seed, turn)
        full = {"store_full", "store_nearly_full"}
        _until(lambda: full & set(plant.alarms()), "the full store is told")
        seen = ", ".join(sorted(full & set(plant.alarms())))
        assert plant.process is not None and plant.process.poll() is None, "the agent goes on"
        if own:
            (plant.state / "ballast").unlink()
        else:
            plant.stop()
            _quota(plant.config, 1_000)
            plant.start()
        _until(lambda: _count(seed, FILES + 1)[0] == 0, "every row is told once there is room")
        lost, twice = _count(seed, FILES + 1)
    seconds = round(time.monotonic() - began, 1)
    return Kept(seed, "disk" if own else "quota", seen, (FILES + 1) * 40, lost, twice, seconds)


def _fill(ballast: Path) -> None:
    """Another program takes the last byte of the disk."""
    with ballast.open("wb", buffering=0) as file:
        for size in (1024 * 1024, 1024, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


def _quota(config: Path, mebibytes: int) -> None:
    told = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(told | {"quota_mib": mebibytes}), encoding="utf-8")


def run_case18(seed: int, *, flips: int = 5) -> Kept:
    """Flip bits in the store of an agent that was stopped, start it again, and count."""
    chance = random.Random(seed)  # noqa: S311  a repeatable drill
    began, found = time.monotonic(), 0
    with _plant(seed) as plant:
        for turn in range(flips):
            _drop(plant.folder / "files", seed, turn)
            plant.start()
            _until(lambda: _count(seed, turn + 1)[0] == 0, f"file {turn} is told")  # noqa: B023 (asked at once)
            plant.stop()
            store = plant.folder / "state" / "store.db"
            raw = bytearray(store.read_bytes())
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            store.write_bytes(raw)
        _drop(plant.folder / "files", seed, flips)
        plant.start()
        _until(lambda: _count(seed, flips + 1)[0] == 0, "every row is told from a store made anew")
        found = len(list((plant.folder / "state").glob("store.db.damaged-*")))
        if found:
            _until(lambda: "store_rebuilt" in plant.alarms(), "the damage is told")
        lost, twice = _count(seed, flips + 1)
    how = f"{found} of {flips} flipped bits found"
    seconds = round(time.monotonic() - began, 1)
    # A bit that nothing uses (a free page) may stay unseen, and harmless: the count says so.
    return Kept(seed, how, "store_rebuilt" if found else "", (flips + 1) * 40, lost, twice, seconds)


# -- a snapshot cut at random bytes -----------------------------------------------------------

#: Files that make a snapshot of several pages.
MANY = 26


@dataclass
class Cutting(Between):
    """The proxy; every other answer to a snapshot request ends at a random byte, as a broken line ends it."""

    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    asked: int = 0
    cuts: int = 0

    def answer(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Forward one request, and cut what comes back if it is this one's turn."""
        status, kept, content = super().answer(path, body, headers)
        if path == "/sync/snapshot" and status == 200:
            self.asked += 1
            if self.asked % 2:
                self.cuts += 1
                content = content[: self.chance.randrange(len(content))]
        return status, kept, content


def run_case22(seed: int, *, starts: int = 34) -> Kept:
    """Delete the agent's store and cut every page of its snapshot once, `starts` times, and count."""
    began = time.monotonic()
    with _plant(seed) as plant:
        cutting = Cutting(json.loads(plant.config.read_text())["hub"], chance=random.Random(seed))  # noqa: S311
        port = next(p for p in range(19_500 + seed % 100, 19_700) if keep("127.0.0.1", p))
        for turn in range(MANY):
            _drop(plant.folder / "files", seed, turn)
        with _proxy(cutting, port) as url:
            told = json.loads(plant.config.read_text(encoding="utf-8"))
            plant.config.write_text(json.dumps(told | {"hub": url}), encoding="utf-8")
            plant.start()
            _until(lambda: _count(seed, MANY)[0] == 0, "every row is told")
            cutting.asked = cutting.cuts = pages = 0
            for _ in range(starts):
                plant.stop()
                for file in (plant.folder / "state").glob("store.db*"):
                    file.unlink()
                before = cutting.asked
                plant.start()
                _until(lambda: plant.told().get("whole"), "the snapshot came whole")
                pages = max(pages, cutting.asked - before)
            _until(lambda: not plant.told().get("queued", 1), "what was read again is answered")
        lost, twice = _count(seed, MANY)
    how = f"{cutting.cuts} cuts in {cutting.asked} pages, at most {pages} for one snapshot"
    seen = "resumed" if cutting.cuts * 2 == cutting.asked and cutting.cuts >= 2 * starts else ""
    return Kept(seed, how, seen, MANY * 40, lost, twice, round(time.monotonic() - began, 1))
