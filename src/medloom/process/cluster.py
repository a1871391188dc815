"""The folder of one PostgreSQL cluster: made whole or not at all, its settings, its leftovers."""

import logging
import os
import shutil
import signal
import subprocess
import time
from bisect import bisect
from collections.abc import Callable
from pathlib import Path

from medloom.process import lock
from medloom.process.account import Account, die_with_parent
from medloom.process.state import IDLE_IN_TRANSACTION_MS, PORT, State, StateError

log = logging.getLogger("medloom.process")

SUPERUSER = "postgres"  # made by initdb; only the supervisor uses it
ORPHAN_S = (15.0, 20.0, 30.0)  # an orphan is asked to stop, then told to, then killed, then given up

# Values that differ from PostgreSQL's own, each for a reason.
TUNING = {
    "listen_addresses": "''",  # the socket in run/ is the only door
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",  # a checkpoint in the middle of an import doubles its writes
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # short queries: compiling costs more than it saves
    "max_parallel_workers_per_gather": "0",  # containers give /dev/shm 64 MB, parallel joins need more
    "max_parallel_maintenance_workers": "0",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_MS}ms",  # see `state`
    "log_line_prefix": "'%m [%p] %a '",
    "log_lock_waits": "on",
    "log_timezone": "'UTC'",
    "timezone": "'UTC'",
    "lc_messages": "'C'",
}
# For a database that a test throws away: a killed server loses nothing, a killed machine everything.
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}


def environment() -> dict[str, str]:
    """What PostgreSQL's programs see: no LANG that names a locale this machine lacks."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def prepare(state: State, owner: Account) -> None:
    """The folder `run` and a check that the account can reach it. Raises StateError otherwise."""
    if not state.run.exists():
        state.run.mkdir(mode=0o700)
        owner.own(state.run)
    entered = subprocess.run(
        ["/bin/sh", "-c", 'cd "$0"', state.run],
        check=False,
        capture_output=True,
        cwd="/",
        timeout=20,
        **owner.popen,
    )
    if entered.returncode != 0:
        raise StateError(
            f"the account {owner.name} cannot enter {state.run}: "
            "set MEDLOOM_STATE to a folder under /var/lib, or open the folders above it (chmod a+x)"
        )


def create(state: State, folder: Path, major: int, owner: Account, handle: int, *, durable: bool) -> None:
    """Run initdb beside `data` and rename: half an initdb never counts.

    handle: the lock descriptor, inherited so that a half-dead initdb counts as alive.
    """
    fresh = state.path / "data.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    owner.own(fresh)
    password_file = state.run / ".password"
    password_file.unlink(missing_ok=True)
    writable = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(writable, "w", encoding="ascii") as file:
        file.write(state.ensure_secret(SUPERUSER)[0])
        owner.own(writable)
    command = [str(folder / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "-A", "scram-sha-256"]
    command += ["--pwfile", str(password_file), "-E", "UTF8", "--locale=C", "-k"]
    if major >= 17:
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if not durable:
        command.append("--no-sync")
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=fresh,
            env=environment(),
            pass_fds=(handle,),
            preexec_fn=die_with_parent(signal.SIGKILL),
            **owner.popen,
        )
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        raise StateError(f"initdb failed: {last_line(done.stderr)}")
    fresh.rename(state.data)
    log.info("made a new PostgreSQL %s cluster in %s", major, state.data)


def configure(state: State, *, durable: bool) -> Path:
    """Write the settings file, which the account can read and not change, and return it.

    An operator's own lines go into postgresql.local.conf beside it and win.
    """
    values = TUNING | ({} if durable else THROWAWAY)
    values["unix_socket_directories"] = "'" + str(state.run).replace("'", "''") + "'"
    lines = ["# Written at every start. Your own settings: postgresql.local.conf in this folder."]
    lines += [f"{name} = {value}" for name, value in values.items()]
    lines.append("include_if_exists 'postgresql.local.conf'")
    place = state.path / "postgresql.conf"
    half = state.path / "postgresql.conf.new"
    half.write_text("\n".join(lines) + "\n", encoding="utf-8")
    half.chmod(0o644)
    half.rename(place)
    return place


def claim(state: State, *, stopping: Callable[[], bool]) -> int:
    """The lock that says no postgres process of this folder lives; orphans are ended first.

    Every postgres process inherits it, so it is held exactly as long as one of them lives. With the lock
    in hand the files a killed server left behind are removed. Returns the descriptor to pass on.
    Raises StateError when something that is not ours to end holds it.
    """
    path = state.path / "postgres.lock"
    handle = lock.take(path)
    if handle is None:
        handle = _end_orphans(state, path, stopping)
    (state.data / "postmaster.pid").unlink(missing_ok=True)
    for leftover in state.run.glob(".s.PGSQL.*"):  # the socket has a pid file of its own
        leftover.unlink(missing_ok=True)
    return handle


def _end_orphans(state: State, path: Path, stopping: Callable[[], bool]) -> int:
    """End what lives, as gently as is safe, and take the lock.

    A living postmaster is asked to stop and stops its own children. Without one they are ended as it would
    end them after a crash, at once: SIGINT would cancel a backend but make PostgreSQL 18's checkpointer
    write a shutdown checkpoint while other backends still commit, and those commits would be lost.
    """
    began = time.monotonic()
    told: set[tuple[int, signal.Signals]] = set()
    while (passed := time.monotonic() - began) < ORPHAN_S[-1] and not stopping():
        found = _postgres_processes(state)
        for pid, kind in found.items():
            if kind == "postmaster":
                how = [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL][bisect(ORPHAN_S[:2], passed)]
            elif "postmaster" in found.values() and passed < ORPHAN_S[1]:
                continue
            else:
                how = signal.SIGQUIT if kind == "child" and passed < ORPHAN_S[1] else signal.SIGKILL
            if (pid, how) not in told:
                log.warning("a postgres process of an earlier run is alive (%s, %s): %s", pid, kind, how.name)
                signal_process(pid, how)
                told.add((pid, how))
        if (handle := lock.take(path)) is not None:
            return handle
        time.sleep(0.005)
    raise StateError(
        f"something else holds {path} (processes here: {sorted(_postgres_processes(state)) or 'none'}): "
        "another container that uses the same folder? Stop it first"
    )


def _postgres_processes(state: State) -> dict[int, str]:
    """Processes whose program is postgres or initdb and whose working folder is this cluster's, by kind.

    A postmaster, its child (which names itself "postgres: ..."), or part of an initdb.
    """
    places = {str(state.data): "", str(state.path / "data.new"): "initdb"}
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            program = str((entry / "exe").readlink()).removesuffix(" (deleted)")
            place = str((entry / "cwd").readlink()).removesuffix(" (deleted)")
            title = (entry / "cmdline").read_bytes()
        except OSError:  # ended meanwhile, a zombie, or not ours to see
            continue
        if Path(program).name in ("postgres", "initdb") and place in places:
            kind = "child" if title.startswith(b"postgres: ") or not title else "postmaster"
            found[int(entry.name)] = places[place] or kind
    return found


def signal_process(pid: int, how: signal.Signals) -> bool:
    """Send the signal; False when the process is gone."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return False
    return True


def last_line(text: str) -> str:
    """The last line with something in it, for an error message."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
