"""Killed at any moment, the next start is clean and nothing acknowledged is lost."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time

import psycopg
import pytest

from medloom import faults
from medloom.process import cluster
from medloom.process.account import account
from medloom.process.drill import run_case15
from medloom.process.postgres import Postgres
from medloom.process.state import State, conninfo
from medloom.process.tests.supervised import alive, until

pytestmark = pytest.mark.process

PR_SET_CHILD_SUBREAPER = 36
ORPHANS = "p.die_with_parent = lambda how: None"  # what a system without PDEATHSIG would do


def test_case_15_every_acknowledged_commit_survives_the_kills() -> None:
    """Fault case 15; `medloom faults --run 15` does it with fifty kills."""
    done = run_case15(seed=15, kills=10)
    assert done.survived, done
    assert done.kills == 10 and done.acknowledged > 500
    faults.record(15, survived=True, seed=15, seconds=done.seconds, detail=str(done))


def test_the_drill_of_case_15_sees_a_loss() -> None:
    """Commits that are acknowledged before they are written do get lost, and the drill says so."""
    done = run_case15(seed=15, kills=5, durable=False)
    assert done.lost > 0 and not done.survived


def test_postmaster_killed_under_a_backend_in_a_tight_loop(state: State, supervise) -> None:
    server = supervise()
    server.ready()
    postmaster = server.postmaster
    looping = threading.Thread(target=_loop, args=[state])
    looping.start()
    until(lambda: server.query("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO%'"), "it loops")
    os.kill(postmaster, signal.SIGKILL)
    until(lambda: server.answers() and server.postmaster != postmaster, "ready again")
    looping.join(10)
    assert not looping.is_alive()


def _loop(state: State) -> None:
    with pytest.raises(psycopg.OperationalError), psycopg.connect(conninfo("owner", state)) as connection:
        connection.execute("DO $$ BEGIN LOOP END LOOP; END $$")


def test_supervisor_killed_the_server_ends_and_the_next_start_is_clean(state: State, supervise) -> None:
    first = supervise()
    first.ready()
    first.query("CREATE TABLE t AS SELECT 7 AS n")
    postmaster = first.postmaster
    first.kill()
    second = supervise()  # in the same instant
    second.ready()
    assert not alive(postmaster)
    assert second.query("SELECT n FROM t") == 7


def test_a_living_orphan_is_stopped_and_replaced(state: State, supervise) -> None:
    first = supervise(first=ORPHANS)
    first.ready()
    postmaster = first.postmaster
    first.kill()
    time.sleep(0.1)
    assert alive(postmaster)
    second = supervise()
    until(lambda: second.answers() and second.postmaster != postmaster, "replaced")
    assert not alive(postmaster)
    assert second.stop() == 0
    assert str(postmaster) in second.errors()


def test_children_of_a_killed_postmaster_are_ended_as_after_a_crash(state: State, monkeypatch) -> None:
    """Never by SIGINT: the checkpointer would write a shutdown checkpoint while others still commit."""
    server = Postgres(state, durable=False)
    server.open()
    server.launch()
    sent = []
    ours = cluster.signal_process
    monkeypatch.setattr(cluster, "signal_process", lambda pid, how: sent.append(how) or ours(pid, how))
    monkeypatch.setattr(cluster, "ORPHAN_S", (0.2, 0.4, 20.0))
    try:
        kinds = cluster._postgres_processes(state)
        assert list(kinds.values()).count("postmaster") == 1
        stopped = 0
        for pid in (pid for pid, kind in kinds.items() if kind == "child"):
            with contextlib.suppress(ProcessLookupError):  # some live only a moment after the start
                os.kill(pid, signal.SIGSTOP)  # they do not notice by themselves
                stopped += 1
        assert stopped >= 4
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(10)
        server.launch()
        assert signal.SIGQUIT in sent and signal.SIGKILL in sent and signal.SIGINT not in sent
    finally:
        assert server.halt() == 0
        server.close()


def test_both_killed_and_the_postmaster_left_as_a_zombie(state: State, supervise) -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # orphans come to us, and we do not reap
    try:
        first = supervise(first=ORPHANS)
        first.ready()
        postmaster = first.postmaster
        first.process.send_signal(signal.SIGSTOP)  # it must not reap either
        os.kill(postmaster, signal.SIGKILL)
        first.kill()
        until(lambda: not alive(postmaster), "killed")
        os.kill(postmaster, 0)  # a zombie still has its pid
        second = supervise()
        second.ready()
        assert second.stop() == 0
        os.waitpid(postmaster, 0)
    finally:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0)


def test_a_pid_file_naming_a_foreign_process_of_the_same_account(state: State, supervise) -> None:
    first = supervise()
    first.ready()
    lines = (state.data / "postmaster.pid").read_text().splitlines()
    first.kill()
    until(lambda: not (state.data / "postmaster.pid").exists(), "the first is gone")
    foreign = subprocess.Popen(["/bin/sleep", "60"], cwd=state.data, **account(state).popen)
    lines[0] = str(foreign.pid)
    (state.data / "postmaster.pid").write_text("\n".join(lines) + "\n")
    (state.run / ".s.PGSQL.5432.lock").write_text("\n".join([str(foreign.pid), *lines[1:5]]) + "\n")
    second = supervise()
    second.ready()
    assert second.postmaster != foreign.pid
    assert foreign.poll() is None
    foreign.kill()
    foreign.wait()


@pytest.mark.parametrize("moment_s", [0.0, 0.1, 0.3])
def test_supervisor_killed_during_initdb(state: State, supervise, moment_s: float) -> None:
    first = supervise()
    until((state.path / "data.new").exists, "initdb began")
    time.sleep(moment_s)
    first.kill()
    second = supervise()
    second.ready()
    assert second.query("SELECT current_setting('data_checksums')") == "on"
    assert not (state.path / "data.new").exists()


def test_server_killed_before_its_roles_were_made(state: State, supervise) -> None:
    first = supervise(
        first="p.roles.prepare = lambda state: __import__('os').kill(__import__('os').getpid(), 9)"
    )
    assert first.process.wait(30) == -signal.SIGKILL
    second = supervise()
    second.ready()
    assert second.query("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'medloom%'") == 4
