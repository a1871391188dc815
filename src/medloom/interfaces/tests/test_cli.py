"""The command line: help, exit codes, JSON, one line for each refusal."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from medloom.interfaces import cli
from medloom.process import lock
from medloom.process.programs import Options, programs

pytestmark = pytest.mark.files


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run one command on an empty state folder."""
    for name in ("MEDLOOM_DATABASE_URL", "MEDLOOM_DATABASE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MEDLOOM_STATE", str(tmp_path / "state"))

    def run_one(*arguments: str) -> Result:
        return CliRunner().invoke(cli.main, list(arguments))

    return run_one


def test_every_command_of_the_table_helps(run) -> None:
    told = run("--help")
    assert told.exit_code == 0 and "Exit codes: 0 done, 1 failed, 2 wrong use, 3 not running" in told.output
    names = cli.main.list_commands(None)
    assert {
        "up",
        "stop",
        "status",
        "doctor",
        "migrate",
        "psql",
        "faults",
        "version",
        "service",
        "verify-proof",
    } <= set(names)
    for name in names:
        helped = run(name, "--help")
        assert helped.exit_code == 0 and helped.output.startswith("Usage:"), name
        assert name in told.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nosuch"], 2, "No such command"),
        (["up", "--port", "70000"], 2, "not in the range"),
        (["up", "--certificate", sys.executable], 2, "belong together"),
        (["faults", "--run", "65"], 2, "not in the range"),
        (["status"], 3, "Nothing runs on"),
        (["stop"], 3, "Nothing runs on"),
        (["psql", "--role", "boss"], 2, "is not one of"),
    ],
)
def test_wrong_use_and_nothing_running(run, arguments: list[str], code: int, said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == code, done.output
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_second_up_is_refused_with_its_own_code(run, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    handle = lock.take_alone(tmp_path / "state" / "tree.lock", what="Medloom")
    done = run("up")
    assert done.exit_code == 4 and "runs already" in done.output and "medloom stop" in done.output
    assert json.loads(run("status", "--json").output)["running"] is True
    assert handle > 0


def test_machines_read_json(run) -> None:
    assert json.loads(run("status", "--json").output)["running"] is False
    found = json.loads(run("version", "--json").output)
    assert found["medloom"] and found["postgresql"]


def test_psql_prints_a_connection_without_making_anything(run, tmp_path: Path) -> None:
    done = run("psql", "--role", "owner")
    assert done.exit_code == 0 and "user='medloom'" in done.output
    assert not (tmp_path / "state").exists()


def test_unit_file_carries_no_password(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDLOOM_DATABASE_URL", "postgresql://a:verysecret@h/d")
    told = run("service", "--host", "::1").output
    assert "-m medloom up --host ::1" in told and "Restart=always" in told
    assert "verysecret" not in told and "EnvironmentFile" in told


@dataclass
class _Case:
    number: int
    title: str
    outcome: str
    seed: int = 7


@dataclass
class _Score:
    survived: int = 1
    of: int = 64
    cases: list[_Case] = field(
        default_factory=lambda: [_Case(1, "loss", "survived"), _Case(2, "x", "unbuilt")]
    )


def test_faults_prints_the_score_and_runs_one(run, monkeypatch: pytest.MonkeyPatch) -> None:
    drills = ModuleType("medloom.faults")
    drills.__spec__ = cli.find_spec("json")
    drills.score = _Score
    drills.run_case = lambda number, seed: _Case(
        number, "loss", "failed" if number == 2 else "survived", seed
    )
    monkeypatch.setitem(sys.modules, "medloom.faults", drills)
    assert "survived 1 of 64" in run("faults").output
    assert json.loads(run("faults", "--json").output)["cases"][1]["outcome"] == "unbuilt"
    assert run("faults", "--run", "1", "--seed", "9").exit_code == 0
    failed = run("faults", "--run", "2", "--json")
    assert failed.exit_code == 1 and '"outcome": "failed"' in failed.output


def test_without_drills_faults_says_so(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medloom.interfaces.commands.faults.find_spec", lambda name: None)
    done = run("faults")
    assert done.exit_code == 1 and "no fault drills" in done.output


def test_programs_of_a_part_with_tls() -> None:
    options = Options(port=81, live_port=82, certificate="/c.pem", key="/k.pem", only=frozenset({"web"}))
    assert options.url == "https://127.0.0.1:81/"
    [web] = programs(options)
    assert web.name == "web" and "--ssl-certificate" in web.argv and web.environment["MEDLOOM_TLS"] == "1"
    assert options.arguments()[-2:] == ["--only", "web"]
    names = [one.name for one in programs(Options())]
    assert names[-1] == "web" and {"live", "sequencer"} <= set(names)
