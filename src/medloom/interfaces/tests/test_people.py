"""`medloom user` and `medloom enrol` on a real database."""

import datetime as dt
import hashlib
import json

import pytest
from click.testing import CliRunner

from medloom.hub import WIRING
from medloom.interfaces import cli
from medloom.kernel.door import operation, submit
from medloom.parties import keys
from medloom.parties.people import User
from medloom.wire.operation import Kind

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
GOOD = "river-stone-lantern-42"


def run(*arguments: str, typed: str = "") -> tuple[int, str]:
    """Exit code and what was said."""
    done = CliRunner().invoke(cli.main, list(arguments), input=typed)
    assert "Traceback" not in done.output
    return done.exit_code, done.output


def test_a_person_is_added_listed_and_shut_out() -> None:
    code, said = run(
        "user",
        "add",
        "li.na",
        "--site",
        "HQ",
        "--role",
        "quality",
        "--role",
        "planner",
        typed=f"{GOOD}\n{GOOD}\n",
    )
    assert code == 0, said
    found = User.objects.get_by_natural_key("LI.NA")
    assert found.check_password(GOOD) and found.has_role("planner") and not found.has_role("admin")
    run("user", "deactivate", "li.na")
    listed = json.loads(run("user", "list", "--json")[1])["users"]
    assert {"name": "li.na", "site": "HQ", "roles": ["planner", "quality"], "active": False} in listed
    run("user", "activate", "li.na")
    assert "deactivated" not in run("user", "list")[1]


def test_a_password_is_renewed() -> None:
    run("user", "add", "wang", "--site", "A", "--role", "viewer", "--password", GOOD)
    assert run("user", "password", "wang", "--password", GOOD + "x")[0] == 0
    assert User.objects.get_by_natural_key("wang").check_password(GOOD + "x")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "x", "--site", "a b", "--role", "viewer", "--password", GOOD], 2, "a site code is"),
        (["add", "x", "--site", "A", "--role", "king", "--password", GOOD], 2, "is not one of"),
        (
            ["add", "x", "--site", "A", "--role", "viewer", "--password", "short"],
            1,
            "the password was refused",
        ),
        (["add", " ", "--site", "A", "--role", "viewer", "--password", GOOD], 1, "user name is empty"),
        (["password", "nobody.here", "--password", GOOD], 1, "there is no user"),
        (["deactivate", "nobody.here"], 1, "there is no user"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: list[str], code: int, said: str) -> None:
    got, told = run("user", *arguments)
    assert (got, said in told) == (code, True), told


def test_a_name_is_never_used_again() -> None:
    add = ["user", "add", "Anna", "--site", "A", "--role", "viewer", "--password", GOOD]
    assert run(*add)[0] == 0
    add[2] = "anna"
    code, said = run(*add)
    assert code == 1 and "never used again" in said


def a_site() -> None:
    fields = {"code": "A", "name": "Plant A", "zone": "UTC"}
    made = operation("site", Kind.SET, fields, actor="p0", at=dt.datetime.now(dt.UTC), site="A")
    assert [answer.verdict for answer in submit([made], author="HQ", wiring=WIRING)] == ["accepted"]


def test_an_agent_of_a_site_that_nobody_has_added_is_not_enrolled() -> None:
    a_site()
    code, said = run("enrol", "AA", "--json")
    assert code == 1 and "no site 'AA'" in said and "known: A" in said and "Plants" in said
    assert run("enrol", "A")[0] == run("enrol", "AA", "--ahead")[0] == 0


def test_a_code_enrols_one_key_of_that_site_once() -> None:
    a_site()
    told = json.loads(run("enrol", "A", "--json")[1])
    code = hashlib.sha256(told["code"].encode()).digest()
    now = dt.datetime.now(dt.UTC)
    assert not keys.enrol("B", code, b"k" * 32, now)
    assert keys.enrol("A", code, b"k" * 32, now)
    assert not keys.enrol("A", code, b"m" * 32, now)
    late = json.loads(run("enrol", "A", "--json")[1])
    assert not keys.enrol(
        "A", hashlib.sha256(late["code"].encode()).digest(), b"n" * 32, now + dt.timedelta(hours=25)
    )
