"""A program that hangs is ended, one that only says errors is not."""

import os
import queue
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medloom.process import pulse, tree
from medloom.process.programs import Options, Program
from medloom.process.state import State
from medloom.process.tests.supervised import until
from medloom.process.tests.upped import free_port

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions at once; how long one may take unanswered stays long enough for a busy machine."""
    monkeypatch.setattr(pulse, "EVERY_S", 0.01)
    monkeypatch.setattr(tree, "PULSE_S", 2.0)


def test_a_program_that_says_errors_lives_and_a_stopped_one_is_ended(tmp_path: Path) -> None:
    port = free_port()
    state = State(tmp_path)
    state.log.mkdir()
    server = (
        sys.executable,
        "-m",
        "http.server",
        str(port),
        "--bind",
        "127.0.0.1",
        "--directory",
        "/proc/1/task",
    )
    house = tree.Tree(state, Options(host="127.0.0.1", port=port, live_port=free_port()))
    child = tree.Child(Program("web", server, {}), state, "mark")
    asking = house._pulse(child)
    child.tend()
    try:
        until(lambda: tree.answers("127.0.0.1", port, below=600), "it answers")
        asking.start()
        with pytest.raises(subprocess.TimeoutExpired):
            child.process.wait(1)
        os.kill(child.process.pid, signal.SIGSTOP)
        assert child.process.wait(30) == -signal.SIGKILL
        assert child.tend() and not child.running
    finally:
        asking.stop()
        child.kill()
        child.wait(0)


def test_it_hangs_when_most_of_the_last_questions_went_unanswered() -> None:
    """Half answered, as when one worker of two hangs, is found; a single slow answer is not."""
    heard = [True, False, True, True, True, True, False, True, False, False, True, False, True, True]
    asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
    for one in heard:
        asked.put(one)
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    asking = pulse.Pulse("pages", answers=asked.get, end=lambda: ended.put(asked.qsize()))
    asking.start()
    left = ended.get(timeout=10)
    used = heard[: len(heard) - left]
    assert used[-pulse.OF :].count(False) == pulse.MISSED
    assert all(used[max(0, at - pulse.OF) : at].count(False) < pulse.MISSED for at in range(1, len(used)))
    asking.stop()
    asked.put(True)
