"""The state folder and the connections it names."""

import stat
import subprocess
import sys
from pathlib import Path

import psycopg.conninfo
import pytest

from medloom.process import state as folder

pytestmark = pytest.mark.files


def test_secrets_are_made_once_and_only_for_us(tmp_path: Path) -> None:
    state = folder.State(tmp_path / "s")
    state.prepare()
    value, fresh = state.ensure_secret("medloom_app")
    assert fresh and len(value) >= 40
    assert state.ensure_secret("medloom_app") == (value, False)
    assert stat.S_IMODE((state.secrets / "medloom_app").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.secrets.stat().st_mode) == 0o700
    assert state.secret("django")


def test_a_path_too_long_for_a_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    state = folder.State(tmp_path / ("x" * 110))
    with pytest.raises(folder.StateError, match="MEDLOOM_STATE to a shorter path"):
        state.prepare()
    assert not state.path.exists()


def test_embedded_connection_is_the_socket_of_the_folder(tmp_path: Path, monkeypatch) -> None:
    for name in ("MEDLOOM_DATABASE_URL", "MEDLOOM_DATABASE_URL_SEQUENCER"):
        monkeypatch.delenv(name, raising=False)
    state = folder.State(tmp_path)
    found = psycopg.conninfo.conninfo_to_dict(folder.conninfo("sequencer", state))
    assert found["user"] == "medloom_sequencer"
    assert found["host"] == str(tmp_path / "run")
    assert "search_path=business,ledger,framework,public" in str(found["options"])
    assert folder.database("app", state)["OPTIONS"]["server_side_binding"] is True


def test_external_server_by_url_and_by_role(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("MEDLOOM_DATABASE_URL_APP", raising=False)
    monkeypatch.setenv("MEDLOOM_DATABASE_URL", "postgresql://root:p%40ss@db.example:5433/med?sslmode=require")
    monkeypatch.setenv("MEDLOOM_DATABASE_URL_OWNER", "postgresql://boss:x@db.example/med")
    state = folder.State(tmp_path)
    app = folder.connection("app", state)
    assert (app["host"], app["port"], app["dbname"], app["sslmode"]) == (
        "db.example",
        "5433",
        "med",
        "require",
    )
    assert app["user"] == "medloom_app"
    assert folder.connection("owner", state)["user"] == "boss"
    with pytest.raises(folder.StateError, match="postgresql://"):
        folder.read_url("mysql://x")


def test_importing_the_settings_writes_nothing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MEDLOOM_STATE", str(tmp_path / "none"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import medloom.settings as s; print(len(s.SECRET_KEY))"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env={"PYTHONPATH": str(Path(folder.__file__).parents[2]), "MEDLOOM_STATE": str(tmp_path / "none")},
    )
    assert int(done.stdout) >= 40
    assert list(tmp_path.iterdir()) == []
