"""Folders and supervisors for tests that kill."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from medloom.process.state import State
from medloom.process.tests.supervised import Supervised


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """A state folder that the database's account can reach (pytest's own folders are closed to it).

    Other tests of the same run may have named their own database in the environment; it is not ours.
    """
    for name in [name for name in os.environ if name.startswith("MEDLOOM_DATABASE")]:
        monkeypatch.delenv(name)
    folder = Path(tempfile.mkdtemp(prefix="medloom-t-"))
    folder.chmod(0o755)
    yield State(folder / "state")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def supervise(state: State) -> Iterator[type[Supervised]]:
    """Start supervisors of `state` in processes of their own; all end with the test."""
    started: list[Supervised] = []

    def start(**options: object) -> Supervised:
        one = Supervised(state, **options)
        started.append(one)
        return one

    with contextlib.ExitStack() as ending:
        yield start
        for one in started:
            ending.callback(one.end)
