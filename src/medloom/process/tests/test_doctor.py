"""The doctor names what is wrong and what to do."""

import json
import time

import psycopg
import pytest

from medloom.process import doctor, doctor_database
from medloom.process.doctor import Finding, examine
from medloom.process.postgres import running_database
from medloom.process.state import State, conninfo
from medloom.process.testing import Bench
from medloom.process.tests.upped import medloom

pytestmark = pytest.mark.process


@pytest.fixture
def house(django_db_setup: Bench) -> Bench:
    """The migrated database of the tests, named by the environment."""
    return django_db_setup


def _found(findings: list[Finding], name: str) -> list[Finding]:
    found = [one for one in findings if one.name == name]
    assert found, findings
    return found


def test_nothing_there_yet(state: State) -> None:
    done = medloom(state, "doctor", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    levels = {one["name"]: one["level"] for one in told["findings"]}
    assert levels["state"] == "warn" and levels["database"] == "fail" and not told["healthy"]
    assert not state.path.exists()  # it changes nothing
    text = medloom(state, "doctor")
    assert "-> start it with `medloom up`" in text.stdout and text.returncode == 1


def test_a_sound_database_is_called_sound(house: Bench, django_db_blocker) -> None:
    with django_db_blocker.unblock():
        findings = examine(house.state)
    for name in ("database", "roles", "migrations", "horizon", "state", "disk", "clock"):
        assert [one.level for one in _found(findings, name)] == ["ok"], findings


def test_the_session_that_holds_the_feeds_back_is_named(house: Bench, monkeypatch) -> None:
    monkeypatch.setattr(doctor_database, "HELD_WARN_S", 0)
    with psycopg.connect(conninfo("app", house.state), application_name="a forgotten window") as open_one:
        open_one.execute("SELECT pg_current_xact_id()")  # a number is what holds the horizon
        time.sleep(0.05)
        [found] = doctor_database._horizon(house.state)
        assert found.level == "warn"
        assert str(open_one.info.backend_pid) in found.message and "a forgotten window" in found.message
        assert f"pg_terminate_backend({open_one.info.backend_pid})" in found.advice
        monkeypatch.setattr(doctor_database, "HELD_FAIL_S", 0)
        assert doctor_database._horizon(house.state)[0].level == "fail"
        open_one.rollback()
    assert doctor_database._horizon(house.state)[0].level == "ok"


def test_a_role_above_the_row_policies_is_found(state: State) -> None:
    with running_database(state, durable=False):
        with psycopg.connect(**doctor_database.connection("owner", state)) as owner:
            owner.execute("CREATE TABLE ledger.line (id int)")
            owner.execute("GRANT UPDATE ON ledger.line TO medloom_app")
        with psycopg.connect(**_admin(state), autocommit=True) as admin:
            admin.execute("ALTER ROLE medloom_app BYPASSRLS")
        told = {one.message: one for one in doctor_database._roles(state)}
        assert any("medloom_app sees every row" in message for message in told)
        assert "the app may UPDATE ledger.line" in told
        assert {one.level for one in told.values()} == {"fail"}


def _admin(state: State) -> dict[str, str]:
    from medloom.process import roles

    return roles.administrator(state) | {"dbname": "postgres"}


def test_open_secrets_full_disk_and_a_clock_set_back(state: State, monkeypatch) -> None:
    state.prepare()
    (state.secrets / "django").chmod(0o644)
    [found] = doctor._state(state)
    assert found.level == "fail" and "chmod 600" in found.advice
    monkeypatch.setattr(doctor, "SPACE_FAIL_BYTES", 1 << 62)
    assert doctor._disk(state)[0].level == "fail"
    monkeypatch.setattr(doctor.time, "time", lambda: 1_000_000_000.0)
    assert "set back" in doctor._clock(state)[0].message


def test_a_check_that_fails_itself_is_a_finding_not_a_crash(state: State, monkeypatch) -> None:
    def broken(state: State) -> list[Finding]:
        raise ValueError("boom")

    monkeypatch.setattr(doctor, "_disk", broken)
    [found] = _found(examine(state), "disk")
    assert found.level == "fail" and "boom" in found.message
