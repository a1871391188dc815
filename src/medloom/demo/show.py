"""The two ways to show the demonstration: everything loaded once and counted, or moving until Ctrl-C."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from medloom.agent.assemble import assemble
from medloom.agent.config import load_config
from medloom.agent.runtime import Agent
from medloom.agent.status import tell
from medloom.agent.tally import Tally
from medloom.demo.machining import run as run_machining
from medloom.demo.stage import Stage, StageBroken
from medloom.process.account import die_with_parent
from medloom.process.programs import search_path

log = structlog.get_logger(__name__)
ONCE_SECONDS_MAX = 1_800
#: How often what follows from what has arrived is asked for before the rest is left to the next run.
ROUNDS_MAX = 4
#: Seconds between two such looks while the demonstration moves.
LATER_SECONDS = 10


def load_once(stage: Stage, *, progress: Callable[[str, int], None]) -> list[dict[str, Any]]:
    """Run every agent here until all is read, sent, decided and come back; the counts of each feed.

    Raises StageBroken when that takes longer than half an hour.
    """
    agents: list[tuple[Agent, Tally]] = []
    try:
        for plant in stage.plants:
            agent = assemble(load_config(stage.config(plant)))
            tally = Tally(plant.code)
            agent.taken, agent.heard = tally.take, tally.hear
            for watched in agent.watched:
                watched.folder.settle_seconds = 0.0
            agents.append((agent, tally))
        _until_settled(agents, progress, told=lambda: stage.told)
        for _ in range(ROUNDS_MAX):
            if not sum(do() for do in stage.later):
                break
            _until_settled(agents, progress)
        return [feed for _, tally in agents for feed in tally.feeds()]
    finally:
        for agent, _ in agents:
            agent.close()


def _until_settled(
    agents: list[tuple[Agent, Tally]],
    progress: Callable[[str, int], None],
    *,
    told: Callable[[], bool] = lambda: True,
) -> None:
    until = time.monotonic() + ONCE_SECONDS_MAX
    quiet = 0
    while quiet < 3:
        busy = False
        for agent, tally in agents:
            busy = agent.step() or busy
            progress(tally.plant, len(tally.rows))
            if agent.machine.stopped is not None:
                raise StageBroken(f"the hub refuses {tally.plant}: {agent.machine.stopped}")
            for alarm in (each for each in agent.alarms if each["code"] in ("hub_fails", "store_full")):
                raise StageBroken("{0}: {code} for {for_s} s: {detail}. {do}".format(tally.plant, **alarm))
        if busy or not told() or not all(agent.settled() for agent, _ in agents):
            quiet = 0
            if not busy:
                time.sleep(0.1)
        else:
            # Once more after the longest pause between two looks at a table or the hub.
            quiet += 1
            time.sleep(0.6)
        if time.monotonic() > until:
            states = {tally.plant: {**tell(agent), "rows": len(tally.rows)} for agent, tally in agents}
            raise StageBroken(f"not settled after {ONCE_SECONDS_MAX} s: {states}")


def keep_moving(stage: Stage, *, every_seconds: float, stop: threading.Event) -> None:
    """Agents as processes of their own, the machining plant at work, first orders sent; until `stop`."""
    children = [_start_agent(stage, plant.code) for plant in stage.plants]
    mover = threading.Thread(target=_move, args=(stage, every_seconds, stop), name="plant", daemon=True)
    mover.start()
    due = 0.0
    try:
        while not stop.wait(1.0):
            for n, plant in enumerate(stage.plants):
                if children[n].poll() is not None:
                    log.warning("agent_ended", site=plant.code, code=children[n].returncode)
                    children[n] = _start_agent(stage, plant.code)
            if time.monotonic() >= due:
                for do in stage.later:
                    do()
                due = time.monotonic() + LATER_SECONDS
    finally:
        stop.set()
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
        mover.join(5)


def _move(stage: Stage, every_seconds: float, stop: threading.Event) -> None:
    if stage.machining is not None:
        run_machining(stage.machining, every_seconds=every_seconds, stop=stop.is_set)


def _start_agent(stage: Stage, code: str) -> subprocess.Popen[bytes]:
    plant = next(each for each in stage.plants if each.code == code)
    config = stage.config(plant)
    output = (stage.state.log / f"agent-{code}.log").open("ab")
    with output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "medloom", "agent", "run", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONPATH": search_path()},
            preexec_fn=die_with_parent(15),  # noqa: PLW1509  (one prctl; see process.account)
        )
