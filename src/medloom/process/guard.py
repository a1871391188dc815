"""What a person starts: it runs the tree as a child and starts it again when it is killed.

When the guard itself is killed everything ends with it; starting a guard again is for systemd or the
container that started it (`medloom service`).
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from medloom.process import programs
from medloom.process.account import die_with_parent
from medloom.process.programs import Options

log = logging.getLogger("medloom.process")

BROKEN = 70  # the tree's exit code after an error nobody foresaw: it is started again, as after a kill
BACK_OFF_S = (0.1, 30.0)
STEADY_S = 10.0


def guard(options: Options, *, migrate: bool) -> int:
    """Run until the tree ends by itself or a signal stops it; the tree's exit code."""
    argv = [sys.executable, "-P", "-m", "medloom", "up", "--unguarded", *options.arguments()]
    if not migrate:
        argv.append("--no-migrate")
    told: SimpleQueue[int] = SimpleQueue()  # not an Event: see `stopping`
    running: list[int] = []

    def pass_on(*_: object) -> None:
        told.put(signal.SIGTERM)
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    for how in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if how != signal.SIGHUP or signal.getsignal(how) != signal.SIG_IGN:  # nohup means it
            signal.signal(how, pass_on)
    pause = BACK_OFF_S[0]
    while True:
        began = time.monotonic()
        code = _run_once(argv, running, told, pass_on)
        if not told.empty() or (code >= 0 and code != BROKEN):
            return max(code, 0)
        if time.monotonic() - began > STEADY_S:
            pause = BACK_OFF_S[0]
        log.error("the supervisor ended (%s); starting it again in %.1f s", code, pause)
        with contextlib.suppress(Empty):
            told.get(timeout=pause)
            return 0
        pause = min(pause * 2, BACK_OFF_S[1])


def _run_once(
    argv: list[str], running: list[int], told: SimpleQueue[int], pass_on: Callable[[], None]
) -> int:
    """Start the tree and wait for its end. As a container's first process it reaps orphans too."""
    child = subprocess.Popen(
        argv,
        env=os.environ | {"PYTHONPATH": programs.search_path()},
        start_new_session=True,  # Ctrl-C reaches us alone, and we pass it on
        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  (one prctl; see `account`)
    )
    running.append(child.pid)
    if not told.empty():  # the signal came before there was a child to pass it on to
        pass_on()
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            running.clear()
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode
