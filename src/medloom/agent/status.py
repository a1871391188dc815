"""What a running agent tells of itself, in a small file beside its store: `doctor` never opens the store."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medloom.agent.runtime import Agent
from medloom.agent.trouble import Failing, Troubles

STATUS_FILE = "status.json"
TELL_SECONDS = 2.0
#: Older than this, and the agent is taken as not running.
STALE_SECONDS = 30.0


def serve(agent: Agent, path: Path, *, stop: Callable[[], bool]) -> None:
    """Run the agent until `stop`, telling every two seconds how it is doing."""
    told = -TELL_SECONDS
    while not stop():
        busy = agent.step()
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            write_status(path, tell(agent))
        if not busy:
            agent.sleep(0.05)
    path.unlink(missing_ok=True)


def tell(agent: Agent) -> dict[str, Any]:
    """Its connection, backlog and findings now."""
    waiting = [name for each in agent.watched for name in each.folder.waiting()]
    fill = getattr(agent.store, "fill", None)
    return {
        "pid": os.getpid(),
        "told_s": int(time.time()),
        "site": agent.machine.site,
        **agent.state,
        "mode": str(agent.machine.welcome.mode) if agent.machine.welcome else "",
        "hub_recovering": bool(agent.machine.welcome and agent.machine.welcome.recovering),
        "whole": agent.machine.has_state,
        "queued": agent.queued,
        "fill": round(fill(), 4) if fill is not None else 0,
        "waiting_files": waiting[:20],
        "findings": dict(agent.findings),
        "alarms": agent.alarms,
    }


def waiting(site: str, failing: Failing, *, now: float) -> dict[str, Any]:
    """What is told while the hub does not take the one-time code: nothing runs yet but the tries."""
    troubles = Troubles(hub=failing)
    told = {"pid": os.getpid(), "told_s": int(time.time()), "site": site, "hub": "enrolling"}
    return {**told, "reason": failing.detail, "tries": failing.tries, "alarms": troubles.alarms(now)}


def write_status(path: Path, told: dict[str, Any]) -> None:
    """Place it whole or not at all; the agent never ends for it."""
    half, data = path.with_suffix(".new"), json.dumps(told).encode()
    try:
        half.write_bytes(data)
        half.rename(path)
    except OSError:
        # A full disk: over the old one then, whose blocks are there already.
        with contextlib.suppress(OSError), path.open("r+b") as old:
            old.write(data)
            old.truncate()


def read_status(path: Path) -> dict[str, Any] | None:
    """What the agent told last, or None when it does not run."""
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    fresh = time.time() - float(told.get("told_s", 0)) < STALE_SECONDS
    return told if fresh and Path(f"/proc/{told.get('pid')}").exists() else None
