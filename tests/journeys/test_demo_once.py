"""`medloom demo --once --json` in its own state folder: every row one verdict, and a second run adds nothing.

A second run, and a run after the agent lost its store, add no entry.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medloom.process.programs import free, search_path

pytestmark = pytest.mark.process

VERDICTS = ("accepted", "parked", "quarantined", "rejected", "conflict", "op_id_reuse", "repeated")
SECONDS_MAX = 300


@pytest.fixture
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="medloom-once-") as name:
        Path(name).chmod(0o755)  # the database's account must be able to enter
        yield Path(name) / "state"


def once(state: Path) -> list[dict[str, Any]]:
    """One run; its feeds."""
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("MEDLOOM_")}
    port = next(p for p in range(18_200, 18_390) if free("127.0.0.1", p))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "medloom", "demo", "--once", "--json", "--port", str(port)],
        env=inherited | {"MEDLOOM_STATE": str(state), "PYTHONPATH": search_path()},
        capture_output=True,
        timeout=SECONDS_MAX,
    )
    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    feeds: list[dict[str, Any]] = json.loads(done.stdout)["feeds"]
    for feed in feeds:
        assert feed["read"] == sum(feed[name] for name in VERDICTS), feed
    return feeds


def test_rows_are_told_once_whatever_is_deleted(state: Path) -> None:
    first = {f"{feed['plant']}/{feed['feed']}": feed for feed in once(state)}
    shifts = first["MOLD/shifts"]
    assert (shifts["read"], shifts["accepted"], shifts["quarantined"]) == (121, 120, 1)
    assert shifts["normalised"]["lot"] > 0
    assert first["MACH/measured"]["normalised"]["unit"] == first["MACH/measured"]["read"]
    assert not any(feed["repeated"] for feed in first.values())
    for deleted in ("", "store.db*"):
        for path in (state / "demo" / "agents").glob(f"*/{deleted}") if deleted else ():
            path.unlink()
        again = once(state)
        assert all(feed["repeated"] == feed["read"] for feed in again), again
