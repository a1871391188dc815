"""The demonstration from nothing to moving data: hub, plants, agents, in the order of their needs."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medloom.demo import plants as demo_plants
from medloom.demo.machining import Plant
from medloom.demo.makers import GENERATED, REAL
from medloom.demo.plants import DemoPlant
from medloom.demo.replay import Replay
from medloom.process import tree
from medloom.process.account import die_with_parent
from medloom.process.programs import search_path
from medloom.process.state import State

READY_SECONDS = 300


class StageBroken(RuntimeError):
    """The demonstration cannot go on; the message says why and where to look."""


@dataclass
class Stage:
    """The demonstration on one state folder. `data` is a folder of real files, or None."""

    state: State
    data: Path | None
    url: str = ""
    plants: list[DemoPlant] = field(default_factory=list)
    machining: Plant | None = None
    #: What is done once all that was read has arrived; each returns how much it added, nought at the end.
    later: list[Callable[[], int]] = field(default_factory=list)
    #: Lines a second with which machines tell their kept lines, 0 for all at once; and their adapters.
    pace: float = 0.0
    replays: list[Replay] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the demonstration keeps the plants' files and the agents."""
        return self.state.path / "demo"

    def agent_folder(self, plant: DemoPlant) -> Path:
        """One agent's store, keys and configuration."""
        return self.folder / "agents" / plant.code

    def build(self, *, now: dt.datetime) -> None:
        """Make the plants: files, database, first rows. A second run finds them as they are."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        for make in GENERATED if self.data is None else REAL:
            plant = make(self, now)
            if plant is not None:
                self.plants.append(plant)
        if not self.plants:
            raise StageBroken(f"{self.data}: no plant's folder there (such as {demo_plants.REAL_FOLDER})")

    def replay(self, lines: list[bytes], *, stream: str, pace: float) -> str:
        """Start a machine's adapter on those lines; its address."""
        self.replays.append(Replay(lines, stream=stream, pace=pace).start())
        return self.replays[-1].address

    @property
    def told(self) -> bool:
        """Whether every machine has told all its lines."""
        return all(replay.told for replay in self.replays)

    def close(self) -> None:
        """End the machines' adapters."""
        for replay in self.replays:
            replay.close()

    def config(self, plant: DemoPlant) -> Path:
        """The agent's configuration, with a one-time code while it is not enrolled."""
        from medloom.demo.network import one_time_code

        folder = self.agent_folder(plant)
        code = "" if (folder / "enrolled").exists() else one_time_code(plant.code)
        return plant.write_config(folder, hub=self.url, enrolment=code)


@contextmanager
def running_hub(state: State, *, arguments: Sequence[str] = ()) -> Iterator[str]:
    """The hub's address; started here unless it runs already, and stopped only if started here."""
    told = tree.told(state)
    if told is not None:
        yield str(told.get("url", "")) or _raise("Medloom is just starting: try again")
        return
    argv = [sys.executable, "-P", "-m", "medloom", "up", "--json", *arguments]
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": search_path()},
        preexec_fn=die_with_parent(15),  # noqa: PLW1509  (one prctl; see process.account)
    )
    try:
        yield _ready(process, state)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _raise(message: str) -> str:
    raise StageBroken(message)


def _ready(process: subprocess.Popen[bytes], state: State) -> str:
    assert process.stdout is not None
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        line = process.stdout.readline()
        if not line:
            raise StageBroken(f"the hub did not start: see {state.log}")
        try:
            told: Any = json.loads(line)
        except ValueError:
            continue
        if told.get("ready"):
            return str(told["url"])
    raise StageBroken(f"the hub is not ready after {READY_SECONDS} s: see {state.log}")
