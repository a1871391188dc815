"""A signal at the worst moment: the main thread holds the event's own lock."""

import subprocess
import sys

import pytest

from medloom.process.tests.supervised import SOURCE

pytestmark = pytest.mark.process

WORST_MOMENT = """
import signal, threading
from medloom.process.stopping import set_on_signal
stop = threading.Event()
{listen}
with stop._cond:
    signal.raise_signal(signal.SIGTERM)
assert stop.wait(10)
"""


def _run(listen: str) -> int:
    program = [sys.executable, "-c", WORST_MOMENT.format(listen=listen)]
    return subprocess.run(program, env={"PYTHONPATH": str(SOURCE)}, check=False, timeout=5).returncode


def test_a_signal_inside_the_wait_does_not_lock_the_process() -> None:
    assert _run("set_on_signal(stop)") == 0


def test_setting_the_event_in_the_handler_would_lock_it() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        _run("signal.signal(signal.SIGTERM, lambda *_: stop.set())")
