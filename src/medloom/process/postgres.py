"""The embedded database: PostgreSQL as our own child, restarted whenever it dies.

    with running_database(state):
        psycopg.connect(conninfo("app", state))

Killed at any moment, postgres or this process, the next start is clean.
"""

import contextlib
import logging
import os
import signal
import subprocess
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

from medloom.process import binaries, cluster, lock, roles
from medloom.process.account import Account, account, die_with_parent
from medloom.process.state import State, StateError, current
from medloom.process.stopping import set_on_signal

log = logging.getLogger("medloom.process")

BACK_OFF_S = (0.1, 30.0)  # the first and the longest pause; a start that succeeded earns the first again
STOP_S = 30.0
READY_LINE = 7  # index in postmaster.pid: line 8 says starting, ready, stopping
POLL_S = 0.005


class Postgres:
    """One cluster and the process that serves it. Used by one thread, which must outlive the server:

    the kernel stops postgres when the thread that started it ends (that is how it dies with us).
    """

    def __init__(self, state: State, *, durable: bool = True) -> None:
        self.state = state
        self.durable = durable
        self.stop = threading.Event()
        self.ready = threading.Event()
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._owner: Account | None = None
        self._folder = Path()

    def open(self) -> None:
        """Take the folder, find the programs and make the cluster if there is none.

        Raises StateError with one line when another supervisor holds the folder or a step is impossible.
        """
        self.state.prepare()
        self._lock = lock.take_alone(self.state.path / "supervisor.lock", what="the database")
        try:
            self._owner = account(self.state)
            cluster.prepare(self.state, self._owner)
            self._folder = binaries.reach(self.state, self._owner)
            major, _ = binaries.version(self._folder)
            if not self.state.data.exists():
                handle = cluster.claim(self.state, stopping=self.stop.is_set)
                try:
                    cluster.create(self.state, self._folder, major, self._owner, handle, durable=self.durable)
                finally:
                    os.close(handle)
            made_by = (self.state.data / "PG_VERSION").read_text(encoding="ascii").strip()
            if made_by != str(major):
                raise StateError(
                    f"{self.state.data} was made by PostgreSQL {made_by}, the programs in {self._folder} are "
                    f"{major}: name the old ones by MEDLOOM_PG_BIN, dump, and restore into a new state folder"
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def launch(self) -> None:
        """Start postgres and wait until it takes connections. Raises StateError when it ends before."""
        if self._owner is None:
            raise StateError("open the folder first")
        handle = cluster.claim(self.state, stopping=self.stop.is_set)
        settings = cluster.configure(self.state, durable=self.durable)
        place = self.state.log / "postgres.log"
        try:
            with place.open("ab") as output:  # a file: a pipe would break when this process is killed
                self.process = subprocess.Popen(
                    [self._folder / "postgres", "-D", self.state.data, "-c", f"config_file={settings}"],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=self.state.data,
                    env=cluster.environment(),
                    start_new_session=True,  # Ctrl-C reaches us, not the database before the pages
                    pass_fds=(handle,),
                    preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509  (one prctl; see `account`)
                    **self._owner.popen,
                )
        finally:
            os.close(handle)  # from here on only postgres processes hold the lock
        self.starts += 1
        while not self._says_ready():
            if self.process.poll() is not None:
                told = cluster.last_line(place.read_bytes()[-4000:].decode("utf-8", "replace"))
                raise StateError(f"PostgreSQL ended at its start: {told} (see {place})")
            if self.stop.wait(POLL_S):
                return
        roles.prepare(self.state)
        self.ready.set()

    def halt(self) -> int:
        """Stop the server, by force at the end; its exit code, 0 after a clean stop."""
        self.ready.clear()
        if self.process is None:
            return 0
        for how, seconds in [(signal.SIGINT, STOP_S), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)]:
            if self.process.poll() is None:
                self.process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(seconds)
        raise StateError(f"PostgreSQL (process {self.process.pid}) does not end")

    def serve(self) -> None:
        """Keep the server running until `stop` is set; after `open`, in a thread that lives on to the end."""
        pause = BACK_OFF_S[0]
        while not self.stop.is_set():
            try:
                self.launch()
                pause = BACK_OFF_S[0]
                self._watch()
            except StateError as error:
                log.error("%s", error)
            except Exception:
                # a full disk or a refused connection must not end the supervisor: it is what tries again
                log.error("the database could not be started: %s", traceback.format_exc())
            self.ready.clear()
            if self.stop.is_set():
                break
            if self.process is not None and self.process.poll() is None:
                self.halt()
            self.stop.wait(pause)
            pause = min(pause * 2, BACK_OFF_S[1])
        self.halt()

    def _watch(self) -> None:
        while not self.stop.is_set():
            if self.process is None or (code := self.process.poll()) is not None:
                log.error("PostgreSQL ended (%s); starting it again", code)
                return
            self.stop.wait(0.02)

    def _says_ready(self) -> bool:
        try:
            lines = (self.state.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > READY_LINE and lines[READY_LINE].strip() == "ready"


def main(*, durable: bool = True) -> None:
    """The database alone, until SIGTERM or SIGINT: `python -m medloom.process.postgres`."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    server = Postgres(current(), durable=durable)
    set_on_signal(server.stop)
    try:
        server.open()
    except StateError as error:
        raise SystemExit(str(error)) from None
    server.serve()
    server.close()


@contextlib.contextmanager
def running_database(state: State, *, durable: bool = True, timeout_s: float = 60.0) -> Iterator[Postgres]:
    """The database of this folder, running and kept running while the block does.

    durable=False: for tests, without fsync. Raises StateError when it is not ready within `timeout_s`.
    """
    server = Postgres(state, durable=durable)
    server.open()
    thread = threading.Thread(target=server.serve, name="postgres", daemon=True)
    thread.start()
    try:
        if not server.ready.wait(timeout_s):
            raise StateError(f"the database is not ready: see {state.log / 'postgres.log'}")
        yield server
    finally:
        server.stop.set()
        thread.join()
        server.close()


if __name__ == "__main__":
    main()
