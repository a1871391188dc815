"""`medloom up`: everything starts, whatever is killed comes back, and nothing is left behind."""

import datetime as dt
import ipaddress
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from medloom.exchange import sequencer
from medloom.process import tree
from medloom.process.programs import Program, choose_ports
from medloom.process.state import State, StateError
from medloom.process.tests.supervised import alive, until
from medloom.process.tests.upped import Upped, environment, medloom

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def folder() -> Iterator[State]:
    """One state folder for the module: made and migrated once."""
    above = Path(tempfile.mkdtemp(prefix="medloom-u-"))
    above.chmod(0o755)
    yield State(above / "state")
    shutil.rmtree(above, ignore_errors=True)


@pytest.fixture
def up(folder: State) -> Iterator[Upped]:
    """A running house, ended with the test."""
    started = Upped(folder)
    yield started
    started.end()


def test_up_starts_everything_once_and_stop_ends_everything(folder: State, up: Upped) -> None:
    assert medloom(folder, "status").returncode in (0, 3)
    told = up.ready()
    assert told["url"] == f"http://127.0.0.1:{up.ports[0]}/"
    assert up.answers()
    status = up.status()
    assert status["running"] and {"database", "web", "live"} <= set(status["processes"])
    assert all(one["running"] and one["starts"] == 1 for one in status["processes"].values()), status
    second = medloom(folder, "up")
    assert second.returncode == 4 and "runs already" in second.stderr
    assert medloom(folder, "stop").returncode == 0
    assert up.process.wait(20) == 0
    assert up.everything() == set()
    assert medloom(folder, "stop").returncode == 3
    assert medloom(folder, "status").returncode == 3


def test_every_killed_process_is_started_again(up: Upped) -> None:
    """kill -9 of each in turn, in one run; the pages answer again each time."""
    up.ready()
    until(lambda: up.answers(up.ports[1]), "live push answers")
    names = list(up.status()["processes"])
    for name in names:
        killed = up.pid(name)
        assert killed, (name, up.status())
        os.kill(killed, signal.SIGKILL)
        until(lambda name=name, killed=killed: up.pid(name) not in (None, killed), f"{name} is back")
        until(up.answers, f"the pages answer after {name} was killed")
    until(lambda: up.answers(up.ports[1]), "live push answers")
    after = up.status()["processes"]
    assert all(after[name]["starts"] >= 2 for name in names), after


def test_killed_web_workers_are_replaced(up: Upped) -> None:
    up.ready()
    web = up.pid("web")
    for _ in range(3):  # granian gives up when they die twice in a row; the tree above it does not
        for worker in _children(web):
            os.kill(worker, signal.SIGKILL)
        time.sleep(0.3)
        web = up.pid("web") or web
    until(lambda: up.pid("web") and up.answers(), "the pages answer again")


def _children(pid: int | None) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def test_killed_supervisor_is_started_again_on_the_same_ports(up: Upped) -> None:
    up.ready()
    tree_pid = up.noted()["pid"]
    before = up.everything() - {up.process.pid}
    os.kill(tree_pid, signal.SIGKILL)
    up.ready()
    assert up.noted()["pid"] != tree_pid
    assert up.answers()
    until(lambda: not {pid for pid in before if alive(pid)}, "every process of the killed tree has ended")


def test_killed_guard_takes_all_with_it_and_the_next_start_is_clean(folder: State, up: Upped) -> None:
    up.ready()
    up.process.send_signal(signal.SIGKILL)
    again = Upped(folder)  # in the same instant
    try:
        again.ready()
        assert again.answers()
        assert all(one["starts"] == 1 for one in again.status()["processes"].values())
    finally:
        again.end()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_interrupt_stops_in_order(up: Upped, how: signal.Signals) -> None:
    up.ready()
    before = (up.state.log / "web.log").stat().st_size
    up.process.send_signal(how)
    assert up.process.wait(30) == 0
    assert up.everything() == set()
    assert b"Traceback" not in (up.state.log / "web.log").read_bytes()[before:]
    assert (up.state.log / "postgres.log").read_text().rstrip().endswith("database system is shut down")


def test_pages_by_tls_have_secure_cookies(folder: State) -> None:
    certificate, key = _self_signed(folder.path.parent)
    secure = Upped(folder, "--certificate", str(certificate), "--key", str(key))
    try:
        told = secure.ready()
        assert told["url"] == f"https://127.0.0.1:{secure.ports[0]}/"
        trust = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(told["url"], context=trust, timeout=30) as answer:
            assert "max-age" in answer.headers["Strict-Transport-Security"]
            cookies = answer.headers.get_all("Set-Cookie") or []
            assert cookies and all("Secure" in cookie for cookie in cookies)
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    finally:
        secure.end()


def _self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "drill")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    places = (folder / "certificate.pem", folder / "key.pem")
    places[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    places[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return places


def test_what_an_earlier_tree_left_is_ended_and_others_are_not(folder: State) -> None:
    folder.prepare()
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    ours = subprocess.Popen(sleep, env=environment(folder) | {tree.MARK: f"{folder.path}|1|2"})
    other = subprocess.Popen(sleep, env=environment(folder) | {tree.MARK: f"{folder.path}-other|1|2"})
    try:
        until(lambda: tree.MARK.encode() in Path(f"/proc/{ours.pid}/environ").read_bytes(), "it runs")
        tree.end_leftovers(folder)
        assert ours.wait(5) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_child_that_asks_for_it_is_not_started_again(folder: State) -> None:
    """The sequencer that found the ledger out of order: going on would hide it."""
    folder.prepare()
    assert sequencer.DO_NOT_RESTART == tree.DO_NOT_RESTART
    for code, halted in ((tree.DO_NOT_RESTART, True), (1, False)):
        argv = (sys.executable, "-c", f"raise SystemExit({code})")
        child = tree.Child(Program("drill", argv), folder, "none")
        child.tend()
        until(lambda child=child: child.tend(), "it ended")
        assert child.halted is halted
        time.sleep(0.15)
        assert child.tend() is not halted  # started again, or never
        child.wait(5)


def test_logs_stay_bounded(folder: State, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.prepare()
    monkeypatch.setattr(tree, "LOG_BYTES_MAX", 100)
    place = folder.log / "drill.log"
    with place.open("ab") as writer:
        writer.write(b"x" * 200)
        writer.flush()
        tree.trim_logs(folder)
        assert place.stat().st_size == 0 and place.with_suffix(".log.1").stat().st_size == 200
        writer.write(b"y")
    assert place.read_bytes() == b"y"


def test_ports_are_the_next_free_ones_and_a_taken_one_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StateError, match=f"port {port} on 127.0.0.1 is taken.*--port"):
            choose_ports("127.0.0.1", port, None)
        first, live = choose_ports("127.0.0.1", None, None)
        assert first != live and port not in (first, live)
        assert choose_ports("127.0.0.1", None, first)[1] == first
