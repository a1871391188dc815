"""Ports chosen at the same moment by several hubs are several ports."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from medloom.interfaces.cli import RUNNING_ALREADY
from medloom.process import lock
from medloom.process.programs import search_path
from medloom.process.state import State

pytestmark = pytest.mark.process

CHOOSE = """
import sys
from medloom.process.programs import choose_ports
sys.stdin.readline()
print(*choose_ports("127.0.0.1", None, None), flush=True)
sys.stdin.readline()
"""
AT_ONCE = 6


def test_hubs_that_start_at_once_never_share_a_port() -> None:
    hubs = [
        subprocess.Popen(
            [sys.executable, "-c", CHOOSE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": search_path()},
        )
        for _ in range(AT_ONCE)
    ]
    try:
        for go in ("choose\n", "end\n"):
            for hub in hubs:
                assert hub.stdin is not None
                hub.stdin.write(go)
                hub.stdin.flush()
            if go == "choose\n":
                lines = [hub.stdout.readline() for hub in hubs if hub.stdout is not None]
    finally:
        for hub in hubs:
            hub.communicate(timeout=60)
    ports = [int(port) for line in lines for port in line.split()]
    assert len(set(ports)) == len(ports) == 2 * AT_ONCE, lines


def refused_port(port: int) -> str:
    ask = f"from medloom.process.programs import choose_ports; choose_ports('127.0.0.1', {port}, None)"
    done = subprocess.run(
        [sys.executable, "-c", ask],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": search_path()},
    )
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def test_a_port_that_another_hub_keeps_is_refused_before_it_listens_there() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHOOSE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": search_path()},
    ) as other:
        assert other.stdin is not None and other.stdout is not None
        other.stdin.write("choose\n")
        other.stdin.flush()
        port = int(other.stdout.readline().split()[0])
        told = refused_port(port)
        other.communicate("end\n", timeout=60)
    assert re.search(f"port {port} .* another Medloom: choose another by --port", told), told


def test_a_second_demonstration_on_one_folder_is_refused(state: State) -> None:
    state.prepare()
    handle = lock.take_alone(state.path / "demo.lock", what="The demonstration")
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "medloom", "demo", "--once"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=os.environ | {"MEDLOOM_STATE": str(state.path), "PYTHONPATH": search_path()},
        )
    finally:
        os.close(handle)
    assert done.returncode == RUNNING_ALREADY
    assert f"process {os.getpid()}" in done.stderr and "MEDLOOM_STATE" in done.stderr, done.stderr
    assert not (state.path / "data").exists(), "nothing was started"
