"""What fails for long is told, with its code and what to do; the agent goes on trying and loses nothing."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.agent.runtime import Agent
from medloom.agent.status import STATUS_FILE, tell, waiting, write_status
from medloom.agent.tests.hubs import Hub, agent_of, settle
from medloom.agent.translate import Draft, Outcome
from medloom.agent.transport import PAUSE_SECONDS_MAX, Pause, Unreachable
from medloom.agent.trouble import LASTING_SECONDS, REFUSED_SECONDS, Failing, Troubles, code_of
from medloom.interfaces.commands.agent import agent as commands
from medloom.wire.operation import Kind, Source

KEY = Ed25519PrivateKey.generate()
PUSH = "/sync/push"
pure = pytest.mark.pure


class Plant:
    """An agent with its hub in memory, and a clock that moves by hand."""

    def __init__(self) -> None:
        self.hub = Hub({"MOLD": KEY})
        self.now = 1_000.0
        self.agent: Agent = agent_of(self.hub, site="MOLD", key=KEY)
        self.agent.clock = lambda: self.now
        chance = random.Random(5)
        self.agent.trouble.hub.pause, self.agent.trouble.pushes.pause = Pause(chance), Pause(chance)
        settle(self.agent)

    def row(self, number: int) -> None:
        """The plant did something."""
        source = Source("shifts", str(number), f"hash {number}", at=f"report!{number}")
        fields = {"number": str(number), "day": "2018-11-01", "total": number}
        self.agent.collector.take(
            "shifts",
            [Outcome(source.at, source.key, (Draft("step_record", Kind.OBSERVE, fields, source),))],
        )

    def passes(self, seconds: float, *, step: float = 0.5) -> None:
        """Time goes by, the agent works."""
        until = self.now + seconds
        while self.now < until:
            self.now += step
            self.agent.step()

    def codes(self) -> list[str]:
        return [alarm["code"] for alarm in self.agent.alarms]

    def verdicts(self) -> list[str]:
        return [str(entry.verdict) for entry in self.hub.store.entries]


@pure
def test_a_lasting_500_on_pushes_is_told_and_everything_else_goes_on() -> None:
    plant = Plant()
    for number in range(5):
        plant.row(number)
    plant.hub.fail = lambda path: 500 if path == PUSH else 0
    plant.passes(LASTING_SECONDS / 2, step=2)
    assert plant.agent.alarms == [] and plant.agent.state["hub"] == "failing"
    plant.hub.hold()
    plant.passes(2)
    assert plant.agent.store.cursor("c").position == 1, "a hold reaches a plant whose pushes fail"
    plant.passes(LASTING_SECONDS, step=2)
    (alarm,) = plant.agent.alarms
    assert alarm["code"] == "hub_fails" and alarm["detail"] == f"status 500 to {PUSH}"
    assert alarm["for_s"] >= LASTING_SECONDS and "registrant" in alarm["do"]
    assert plant.hub.store.alarms == [("hub_fails", "MOLD", f"status 500 to {PUSH}")], "told once"
    tried = plant.hub.requests.count(PUSH)
    plant.passes(600, step=3)
    again = plant.hub.requests.count(PUSH) - tried
    assert 600 / PAUSE_SECONDS_MAX - 1 <= again <= 100, "it keeps trying, and not ten times a second"
    assert len(plant.hub.store.alarms) == 1
    plant.hub.fail = lambda path: 0
    plant.passes(PAUSE_SECONDS_MAX + 2)
    assert plant.verdicts() == ["accepted"] * 6
    assert (plant.agent.alarms, plant.agent.state["hub"]) == ([], "connected")


@pure
def test_a_500_that_passes_is_no_alarm() -> None:
    plant = Plant()
    plant.row(1)
    plant.hub.fail = lambda path: 500
    plant.passes(LASTING_SECONDS / 3, step=2)
    plant.hub.fail = lambda path: 0
    plant.passes(LASTING_SECONDS * 3, step=3)
    assert plant.agent.alarms == [] and plant.hub.store.alarms == [] and plant.verdicts() == ["accepted"]


@pure
@pytest.mark.parametrize(("status", "code"), [(500, "hub_fails"), (503, "hub_busy"), (429, "hub_busy")])
def test_a_hub_that_answers_nothing_else_is_told(status: int, code: str) -> None:
    plant = Plant()
    plant.row(1)
    plant.hub.fail = lambda path: status
    plant.passes(LASTING_SECONDS + PAUSE_SECONDS_MAX + 5)
    assert plant.codes() == [code] and str(status) in plant.agent.alarms[0]["detail"]
    plant.hub.fail = lambda path: 0
    plant.passes(PAUSE_SECONDS_MAX + 2)
    assert plant.verdicts() == ["accepted"] and plant.agent.alarms == []


@pure
def test_a_hub_out_of_reach_is_told_with_another_code() -> None:
    plant = Plant()
    plant.row(1)
    plant.hub.down = True
    plant.passes(LASTING_SECONDS + PAUSE_SECONDS_MAX + 5)
    assert plant.codes() == ["hub_unreachable"]
    assert code_of(Unreachable("unreadable Page", status=200)) == "hub_fails"


@pure
def test_what_the_hub_refuses_is_told_and_asked_again() -> None:
    plant = Plant()
    plant.row(1)
    plant.hub.fail = lambda path: 404
    plant.passes(5)
    assert plant.codes() == ["hub_refused"] and plant.agent.alarms[0]["detail"].startswith("no_hub: ")
    asked = len(plant.hub.requests)
    plant.passes(REFUSED_SECONDS - 10)
    assert len(plant.hub.requests) == asked
    plant.hub.fail = lambda path: 0
    plant.passes(20)
    assert plant.verdicts() == ["accepted"] and plant.agent.alarms == []


@pure
def test_the_hub_takes_only_codes_and_plain_text_as_a_sites_alarm() -> None:
    plant = Plant()
    plant.agent.trouble.untold = lambda: {  # type: ignore[method-assign]
        "store_full": "a\x00b\nc",
        "Robert'); --": "x",
        **{f"code_{'x' * n}": "y" for n in range(20)},
    }
    plant.passes(1)
    assert ("store_full", "MOLD", "abc") in plant.hub.store.alarms
    codes = {code for code, _, _ in plant.hub.store.alarms}
    assert len(codes) == 7 and "Robert'); --" not in codes


def status(folder: Path, *arguments: str) -> tuple[int, str, str]:
    config = folder / "agent.yaml"
    config.write_text("site: MOLD\nhub: http://127.0.0.1:1\nstate: state\n")
    (folder / "state").mkdir(exist_ok=True)
    done = CliRunner().invoke(commands, ["status", str(config), *arguments])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.files
def test_status_says_so_by_its_exit_code(tmp_path: Path) -> None:
    assert status(tmp_path)[0] == 3
    told = tmp_path / "state" / STATUS_FILE
    plant = Plant()
    write_status(told, tell(plant.agent))
    assert status(tmp_path)[0] == 0
    plant.hub.fail = lambda path: 502
    plant.passes(LASTING_SECONDS + PAUSE_SECONDS_MAX + 5)
    write_status(told, tell(plant.agent))
    code, _, err = status(tmp_path)
    assert code == 1 and "hub_fails" in err and "status 502" in err
    code, out, _ = status(tmp_path, "--json")
    assert code == 1 and json.loads(out)["alarms"][0]["code"] == "hub_fails"


@pytest.mark.files
def test_an_agent_that_cannot_enrol_yet_says_so(tmp_path: Path) -> None:
    failing, error = Failing(), Unreachable("ConnectError: refused")
    for at in (0.0, 30.0, 61.0):
        failing.failed(error, now=at)
    state = tmp_path / "state"
    state.mkdir()
    write_status(state / STATUS_FILE, waiting("MOLD", failing, now=61.0))
    code, out, _ = status(tmp_path, "--json")
    told = json.loads(out)
    assert (code, told["hub"], told["alarms"][0]["code"]) == (1, "enrolling", "hub_unreachable")


@pytest.mark.files
def test_a_full_disk_does_not_end_the_telling(tmp_path: Path) -> None:
    path = tmp_path / STATUS_FILE
    write_status(path, {"pid": os.getpid(), "told_s": int(time.time()), "long": "x" * 100})
    (tmp_path / "status.new").mkdir()  # nothing can be written there, root or not
    write_status(path, {"pid": 1})
    assert json.loads(path.read_text()) == {"pid": 1}


@pure
def test_nothing_wrong_is_nothing_told() -> None:
    assert not Troubles().any() and Troubles().alarms(0.0) == []


def test_one_machine_that_is_heard_does_not_end_the_alarm_of_another() -> None:
    troubles = Troubles()
    troubles.note("stream_unheard", "mill: refused", now=1.0, of="mill")
    troubles.note("stream_unheard", "press: timed out", now=5.0, of="press")
    troubles.over("stream_unheard", of="lathe")
    (alarm,) = troubles.alarms(61.0)
    assert (alarm["for_s"], alarm["detail"]) == (60, "mill: refused; press: timed out")
    troubles.over("stream_unheard", of="mill")
    (alarm,) = troubles.alarms(65.0)
    assert (alarm["for_s"], alarm["detail"]) == (60, "press: timed out")
    assert troubles.untold() == {"stream_unheard": "press: timed out"}
