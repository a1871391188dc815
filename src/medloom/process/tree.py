"""`medloom up`: the database and the processes of `programs`, each started again when it dies.

Every child dies with this process (the kernel sees to it); what outlives it all the same, a grandchild,
carries our mark in its environment and is ended by the next start.
"""

import contextlib
import http.client
import json
import logging
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medloom.process import cluster, lock, migration, programs
from medloom.process.account import die_with_parent
from medloom.process.postgres import BACK_OFF_S, Postgres
from medloom.process.programs import Options, Program
from medloom.process.pulse import Pulse
from medloom.process.state import State, external_url

log = logging.getLogger("medloom.process")

DO_NOT_RESTART = 65  # a child's exit code: it found its data wrong, and starting it again would repeat that
STEADY_S = 10.0  # a child that lived this long earns the shortest pause again
STOP_S = 10.0
TICK_S = 0.02
PROBE_S = 3.0
PULSE_S = 10.0  # a busy machine answers late; one that hangs never
LISTENING = {"web": "port", "live": "live_port"}  # program -> the option that says where
LOG_BYTES_MAX = 16 * 1024 * 1024
LOG_CHECK_S = 60.0
MARK = "MEDLOOM_TREE"


class Child:
    """One program, its process and when to start it next."""

    def __init__(self, program: Program, state: State, mark: str) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.halted = False
        self.changed = time.time()
        self._state = state
        self._mark = mark
        self._pause = BACK_OFF_S[0]
        self._began = 0.0
        self._next = 0.0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tend(self) -> bool:
        """Start it if it is time, note if it ended; whether something changed."""
        now = time.monotonic()
        if self.process is None:
            if self.halted or now < self._next:
                return False
            try:
                self._start()
            except OSError as error:  # a full disk, no more processes: it may pass
                log.error("%s cannot be started: %s", self.program.name, error)
                self._again(now)
            return True
        if (code := self.process.poll()) is None:
            return False
        self._sweep()
        self.process = None
        self.changed = time.time()
        if code == DO_NOT_RESTART:
            self.halted = True
            log.error("%s stopped for good: see %s", self.program.name, self.output)
            return True
        if now - self._began > STEADY_S:
            self._pause = BACK_OFF_S[0]
        log.error("%s ended (%s); starting it again in %.1f s", self.program.name, code, self._pause)
        self._again(now)
        return True

    @property
    def output(self) -> Path:
        return self._state.log / f"{self.program.name}.log"

    def end(self) -> None:
        """Ask it to end."""
        if self.running and self.process:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and its own children now; `tend` starts it again."""
        self._sweep()

    def wait(self, seconds: float) -> None:
        """Give it that long, then end it and its own children by force."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(seconds, 0.0))
        self._sweep()
        self.process.wait()

    def told(self) -> dict[str, object]:
        """For `medloom status`."""
        return {
            "running": self.running,
            "pid": self.process.pid if self.process else None,
            "starts": self.starts,
            "halted": self.halted,
            "since": self.changed,
        }

    def _again(self, now: float) -> None:
        self._next = now + self._pause
        self._pause = min(self._pause * 2, BACK_OFF_S[1])

    def _start(self) -> None:
        environment = os.environ | self.program.environment
        environment |= {
            "MEDLOOM_STATE": str(self._state.path),
            "PYTHONPATH": programs.search_path(),
            "PYTHONUNBUFFERED": "1",
            MARK: self._mark,
        }
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.program.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._state.path,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches us alone; and its own children can be swept
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  (one prctl; see `account`)
            )
        self.starts += 1
        self._began = time.monotonic()
        self.changed = time.time()

    def _sweep(self) -> None:
        """A killed parent leaves its own children behind, and they hold its port."""
        if (process := self.process) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class Tree:
    """One `medloom up` on one state folder."""

    def __init__(self, state: State, options: Options, *, migrate: bool = True) -> None:
        self.state = state
        self.options = options
        self.stop = threading.Event()
        self._migrate = migrate
        self._began = time.time()
        self._database: Postgres | None = None
        self._children: list[Child] = []
        self._pulses: list[Pulse] = []

    def run(self, ready: Callable[[], None]) -> int:
        """Until `stop` is set. `ready` is called once, when the pages answer.

        Raises AlreadyRunning, or StateError when the database cannot be opened or migrated.
        """
        self.state.prepare()
        handle = lock.take_alone(self.state.path / "tree.lock", what="Medloom")
        try:
            end_leftovers(self.state)
            with contextlib.ExitStack() as stack:
                self._start_database(stack)
                stack.callback(self._end_children)
                if self.stop.is_set():
                    return 0
                if self._migrate and migration.kept_fingerprint(self.state) != migration.fingerprint():
                    log.info("bringing the tables up to date")
                    migration.migrate_apart(self.state)
                if self._migrate and migration.settle_transactions(self.state):
                    log.warning(
                        "this ledger was restored from another server's dump: `medloom recover start`"
                    )
                self._tend(ready)
        finally:
            (self.state.path / "tree.json").unlink(missing_ok=True)
            os.close(handle)
        return 0

    def _start_database(self, stack: contextlib.ExitStack) -> None:
        if external_url():
            return
        if self.options.only and "database" not in self.options.only:
            return
        self._database = Postgres(self.state)
        self._database.open()
        stack.callback(self._database.close)
        thread = threading.Thread(target=self._database.serve, name="postgres", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(self._database.stop.set)
        while not self._database.ready.wait(TICK_S) and not self.stop.is_set():
            continue

    def _tend(self, ready: Callable[[], None]) -> None:
        mark = f"{self.state.path}|{os.getpid()}|{self._began}"
        self._children = [Child(one, self.state, mark) for one in programs.programs(self.options)]
        waiting = any(child.program.name == "web" for child in self._children)
        if not waiting:
            ready()
        self._pulses = [self._pulse(child) for child in self._children if child.program.name in LISTENING]
        seen_starts, next_check = -1, 0.0
        while not self.stop.is_set():
            changed = [child.tend() for child in self._children]
            starts = self._database.starts if self._database else 0
            if any(changed) or starts != seen_starts:
                seen_starts = starts
                self._tell()
            if waiting and self._web_answers():
                waiting = False
                for pulse in self._pulses:
                    pulse.start()
                self._tell()
                ready()
            if time.monotonic() > next_check:
                next_check = time.monotonic() + LOG_CHECK_S
                trim_logs(self.state)
            self.stop.wait(TICK_S)

    def _web_answers(self) -> bool:
        tls = bool(self.options.certificate)
        return answers(self.options.host, self.options.port, tls=tls)

    def _pulse(self, child: Child) -> Pulse:
        port = getattr(self.options, LISTENING[child.program.name])
        tls = bool(self.options.certificate)

        def lives() -> bool:
            return not child.running or answers(
                self.options.host, port, tls=tls, path="/health/", below=600, seconds=PULSE_S
            )

        return Pulse(child.program.name, answers=lives, end=child.kill)

    def _end_children(self) -> None:
        """Pages first, so that nothing new comes in; the database is last, in `run`'s stack."""
        for pulse in self._pulses:
            pulse.stop()
        for child in reversed(self._children):
            child.end()
        until = time.monotonic() + STOP_S
        for child in reversed(self._children):
            child.wait(until - time.monotonic())

    def _tell(self) -> None:
        """Leave for `medloom status` what runs; half a file is never seen."""
        database = self._database
        process = database.process if database else None
        found = {
            "pid": os.getpid(),
            "since": self._began,
            "url": self.options.url,
            "host": self.options.host,
            "port": self.options.port,
            "live_port": self.options.live_port,
            "tls": bool(self.options.certificate),
            "database": "embedded" if database else "external",
            "processes": {child.program.name: child.told() for child in self._children},
        }
        if database:
            found["processes"] = {
                "database": {
                    "running": database.ready.is_set(),
                    "pid": process.pid if process else None,
                    "starts": database.starts,
                    "halted": False,
                    "since": self._began,
                }
            } | found["processes"]  # type: ignore[operator]
        half = self.state.path / "tree.json.new"
        try:
            half.write_text(json.dumps(found), encoding="utf-8")
            half.rename(self.state.path / "tree.json")
        except OSError as error:  # a full disk must not end the tree
            log.error("the state cannot be noted: %s", error)


def answers(
    host: str, port: int, *, tls: bool = False, path: str = "/", below: int = 500, seconds: float = PROBE_S
) -> bool:
    """Whether whole HTTP answers with a status `below` that come from there; 500: nothing broke behind it."""
    place = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    if tls:  # we look whether it lives; whom it is, is for its visitors to verify
        trust = ssl._create_unverified_context()  # noqa: S323
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            place, port, timeout=seconds, context=trust
        )
    else:
        connection = http.client.HTTPConnection(place, port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < below
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end_leftovers(state: State) -> None:
    """End processes of an earlier tree of this folder; called with the tree's lock in hand."""
    begin = f"{MARK}={state.path}|".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in (os.getpid(), os.getppid()):
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # ended meanwhile, or not ours
            continue
        if any(variable.startswith(begin) for variable in variables):
            log.warning("a process of an earlier run is alive (%s): ending it", entry.name)
            cluster.signal_process(int(entry.name), signal.SIGKILL)


def trim_logs(state: State) -> None:
    """Keep each log below LOG_BYTES_MAX, with one older part. Writers append, so they go on from zero."""
    for path in state.log.glob("*.log"):
        with contextlib.suppress(OSError):
            if path.stat().st_size > LOG_BYTES_MAX:
                shutil.copyfile(path, path.with_suffix(".log.1"))
                os.truncate(path, 0)


def told(state: State) -> dict[str, Any] | None:
    """What the running tree of this folder left for others, or None when none runs."""
    pid = lock.holder(state.path / "tree.lock")
    if pid is None:
        return None
    try:
        found: dict[str, Any] = json.loads((state.path / "tree.json").read_text(encoding="utf-8"))
        return found
    except (FileNotFoundError, ValueError):
        return {"pid": pid, "processes": {}}
