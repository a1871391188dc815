"""A store without room: edits wait, then observations; a person and the hub are told; freed, nothing is lost.

Once by the store's quota, and once on a disk that is really full: a file system of 24 megabytes in a mount
namespace of its own, which root may make, and anyone where user namespaces are allowed. Where neither is, the
same agent meets the same end by a quota of that size.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.declaration import parse_mapping
from medloom.agent.file import code_of_fill
from medloom.agent.plant import watch
from medloom.agent.room import FULL_SECONDS
from medloom.agent.runtime import Agent
from medloom.agent.store import SqliteSite
from medloom.agent.tests.hubs import SHEETS, Hub, agent_of, settle

KEY = Ed25519PrivateKey.generate()
MACHINES = """
feed: machines
match: {files: ["machines_*.csv"]}
records:
  - {type: equipment, key: [number], fields: {number: {column: number, as: code, required: true}}}
"""
SHIFTS = """
feed: shifts
match: {files: ["shifts_*.csv"]}
records:
  - type: step_record
    kind: observe
    key: [number]
    fields:
      number: {column: number, as: code, required: true}
      total: {column: total, as: integer}
"""


class Plant:
    """An agent with a folder of files and a hub in memory; its clock moves by hand, a second a look."""

    def __init__(self, folder: Path, store: SqliteSite) -> None:
        self.hub, self.store, self.files = Hub({"MOLD": KEY}), store, folder
        self.agent: Agent = agent_of(self.hub, site="MOLD", key=KEY, inner=store)
        mappings = [parse_mapping(MACHINES), parse_mapping(SHIFTS)]
        self.agent.watched.append(watch(folder, mappings, settle_seconds=0))
        self.now = 0.0
        self.agent.clock = self._clock
        self.agent.poll_seconds = 1.0

    def _clock(self) -> float:
        self.now += 0.2
        return self.now

    def file(self, name: str, first: int, count: int) -> None:
        """A program of the plant puts a file there; ids of the rows from `first` on."""
        head = "number,total" if name.startswith("shifts") else "number"
        rows = [f"S{n},{n}" if name.startswith("shifts") else f"M{n}" for n in range(first, first + count)]
        (self.files / name).write_text("\n".join([head, *rows]) + "\n")

    def work(self, steps: int = 60) -> None:
        for _ in range(steps):
            self.agent.step()

    def fill(self, share: float) -> None:
        """Other things take room in the store."""
        while (missing := share - self.store.fill()) > 0:
            size = max(4_000, int(missing * self.store.quota_bytes * 0.9))
            with self.store.transaction():
                self.store.put("ballast", {f"{self.now} {missing}": bytes(size)})

    def make_room(self) -> None:
        with self.store.transaction():
            self.store.put("ballast", dict.fromkeys(self.store.keys("ballast")))

    def codes(self) -> list[str]:
        return [alarm["code"] for alarm in self.agent.alarms]

    def reached(self, type_: str) -> int:
        """Objects of that type at the hub, by accepted entries that created them."""
        return sum(
            e.type == type_ and e.verdict == "accepted" and e.version == 1 for e in self.hub.store.entries
        )


@pytest.mark.pure
def test_levels() -> None:
    assert [code_of_fill(share) for share in (0.5, 0.7, 0.9, 0.98, 1.2)] == [
        "",
        "store_filling",
        "store_nearly_full",
        "store_full",
        "store_full",
    ]


@pytest.mark.files
def test_edits_wait_at_90_percent_and_observations_at_98_and_nothing_is_lost(tmp_path: Path) -> None:
    store = SqliteSite(
        tmp_path / "store.db", site="MOLD", sheets=SHEETS, key=bytes(32), quota_bytes=4_000_000
    )
    folder = tmp_path / "files"
    folder.mkdir()
    plant = Plant(folder, store)
    plant.file("machines_1.csv", 1, 5)
    settle(plant.agent)
    plant.fill(0.71)
    plant.work()
    assert plant.codes() == ["store_filling"]
    plant.fill(0.905)
    plant.file("machines_2.csv", 6, 5)
    plant.file("shifts_1.csv", 1, 5)
    plant.work()
    assert plant.codes() == ["store_nearly_full"]
    assert (plant.reached("equipment"), plant.reached("step_record")) == (5, 5), "facts are still taken"
    plant.fill(0.985)
    plant.file("shifts_2.csv", 6, 5)
    plant.work()
    assert plant.codes() == ["store_full"] and "of its quota (4 MiB) used" in plant.agent.alarms[0]["detail"]
    assert (plant.reached("equipment"), plant.reached("step_record")) == (5, 5)
    assert [code for code, site, _ in plant.hub.store.alarms] == [
        "store_filling",
        "store_nearly_full",
        "store_full",
    ], "the hub's people are told of each once"
    plant.make_room()
    plant.work(int(FULL_SECONDS * 20))
    assert plant.codes() == []
    assert (plant.reached("equipment"), plant.reached("step_record")) == (10, 10)
    settle(plant.agent)
    assert {str(e.verdict) for e in plant.hub.store.entries} == {"accepted"} and store.check() == []
    store.close()


@pytest.mark.files
def test_an_edit_that_the_store_refuses_in_the_middle_of_a_file_is_read_again(tmp_path: Path) -> None:
    """The file's rows themselves take the last room: what was read is kept, the rest is read again later."""
    store = SqliteSite(
        tmp_path / "store.db", site="MOLD", sheets=SHEETS, key=bytes(32), quota_bytes=3_000_000
    )
    folder = tmp_path / "files"
    folder.mkdir()
    plant = Plant(folder, store)
    settle(plant.agent)
    plant.fill(0.75)
    plant.file("machines_1.csv", 1, 800)
    plant.work(60)
    assert 0 < plant.reached("equipment") < 800
    assert plant.codes() in (["store_nearly_full"], ["store_full"])
    plant.store.quota_bytes = 20_000_000
    store._db.pragma("max_page_count", 5_000)
    plant.work(150)
    settle(plant.agent)
    assert plant.reached("equipment") == 800 and len(plant.hub.store.entries) == 800
    store.close()


ON_A_FULL_DISK = """
import json, sys
from pathlib import Path
from medloom.agent.store import SqliteSite
from medloom.agent.tests.hubs import SHEETS, settle
from medloom.agent.tests.test_full import Plant

disk, files, quota = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
store = SqliteSite(disk / "store.db", site="MOLD", sheets=SHEETS, key=bytes(32), quota_bytes=quota)
plant = Plant(files, store)
plant.file("shifts_1.csv", 1, 200)
settle(plant.agent)
said = {"before": plant.reached("step_record")}

ballast = disk / "ballast"
if quota > 10_000_000:  # another program of the plant takes the disk's last byte
    with ballast.open("wb", buffering=0) as file:
        for size in (1024 * 1024, 1024):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError as error:
                said["errno"] = error.errno
else:
    plant.fill(0.985)
plant.file("shifts_2.csv", 201, 1_000)
plant.work(80)
said |= {"full": plant.codes(), "why": [a["detail"] for a in plant.agent.alarms]}
said |= {"during": plant.reached("step_record"), "told": [code for code, _, _ in plant.hub.store.alarms]}

if quota > 10_000_000:
    ballast.unlink()
else:
    store.quota_bytes = 40_000_000
    store._db.pragma("max_page_count", 10_000)
plant.work(200)
said |= {"room": plant.codes(), "check": store.check(), "disk": quota > 10_000_000}
said |= {"after": plant.reached("step_record"), "entries": len(plant.hub.store.entries)}
store.close()
print(json.dumps(said))
"""


def on_small_disk(tmp_path: Path) -> dict[str, Any]:
    """What the script said, run on a disk of its own if this account may have one."""
    disk, files, script = tmp_path / "disk", tmp_path / "files", tmp_path / "script.py"
    disk.mkdir()
    files.mkdir()
    script.write_text(ON_A_FULL_DISK)
    mounted = f'mount -t tmpfs -o size=24m tmpfs {disk} && exec "$@"'
    python = [sys.executable, str(script), str(disk), str(files)]
    may = next((how for how in (["-m"], ["-rm"]) if _may_mount(how, disk)), None)
    argv = (
        [*python, "4000000"]
        if may is None
        else ["unshare", *may, "sh", "-c", mounted, "sh", *python, "1000000000"]
    )
    done = subprocess.run(
        argv,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def _may_mount(how: list[str], disk: Path) -> bool:
    try:
        tried = subprocess.run(
            ["unshare", *how, "mount", "-t", "tmpfs", "tmpfs", str(disk)], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return tried.returncode == 0


@pytest.mark.process
def test_a_full_disk_stops_the_reading_and_nothing_else(tmp_path: Path) -> None:
    said = on_small_disk(tmp_path)
    assert said["before"] == 200
    assert said["full"] == ["store_full"] and "store_full" in said["told"], said
    assert said["during"] < 1_200
    assert (said["room"], said["check"]) == ([], []), said
    assert (said["after"], said["entries"]) == (1_200, 1_200), "every row once"
