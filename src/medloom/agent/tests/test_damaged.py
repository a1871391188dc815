"""A damaged store is found, put aside and made anew; what a person must mend is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from medloom.agent import assemble as assembling
from medloom.agent.assemble import KEY_FILE, SECRET_FILE, STORE_FILE, assemble, rebuild
from medloom.agent.config import AgentConfig
from medloom.agent.file import StoreDamaged, StoreUnusable
from medloom.agent.runtime import Agent

pytestmark = pytest.mark.files


def start(folder: Path) -> Agent:
    return assemble(AgentConfig(site="MOLD", hub="http://127.0.0.1:1", state=str(folder)))


def fill(agent: Agent) -> None:
    """Things a page holds, and an end of the agent in good order."""
    with agent.store.transaction():
        agent.store.put("s", {str(n): bytes(2_000) for n in range(200)})
    agent.close()


def flip(path: Path) -> bytes:
    """One bit in the middle of the file; its bytes then."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    return bytes(raw)


def aside(folder: Path) -> list[Path]:
    return sorted(folder.glob("store.db.damaged-*"))


def codes(agent: Agent) -> list[str]:
    return [alarm["code"] for alarm in agent.trouble.alarms(agent.clock())]


def test_a_flipped_bit_is_found_at_the_start_and_the_store_made_anew(tmp_path: Path) -> None:
    fill(start(tmp_path))
    damaged = flip(tmp_path / STORE_FILE)
    agent = start(tmp_path)
    assert agent.store.keys("s") == [] and not agent.machine.has_state
    (kept,) = aside(tmp_path)
    assert kept.read_bytes() == damaged and codes(agent) == ["store_rebuilt"]
    assert agent.trouble.alarms(0.0)[0]["detail"] == kept.name
    agent.close()
    again = start(tmp_path)
    assert codes(again) == ["store_rebuilt"], "as long as nobody has looked"
    again.close()
    kept.unlink()
    last = start(tmp_path)
    assert codes(last) == [] and aside(tmp_path) == []
    last.close()


def test_a_large_store_shows_its_damage_when_the_page_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(start(tmp_path))
    flip(tmp_path / STORE_FILE)
    monkeypatch.setattr(assembling, "CHECK_BYTES_MAX", 0)
    agent = start(tmp_path)
    with pytest.raises(StoreDamaged):
        [agent.store.get("s", key) for key in agent.store.keys("s")]
    agent.close()
    rebuild(AgentConfig(site="MOLD", hub="", state=str(tmp_path)), why="test")
    agent = start(tmp_path)
    assert agent.store.keys("s") == [] and codes(agent) == ["store_rebuilt"]
    agent.close()


def test_a_store_that_no_key_opens_is_put_aside_and_the_agents_own_key_stays(tmp_path: Path) -> None:
    fill(start(tmp_path))
    identity = (tmp_path / KEY_FILE).read_bytes()
    (tmp_path / SECRET_FILE).unlink()
    agent = start(tmp_path)
    assert codes(agent) == ["store_rebuilt"] and len(aside(tmp_path)) == 1
    assert (tmp_path / KEY_FILE).read_bytes() == identity
    agent.close()


def test_a_store_in_use_is_never_put_aside(tmp_path: Path) -> None:
    agent = start(tmp_path)
    with pytest.raises(StoreUnusable, match="another agent") as refused:
        start(tmp_path)
    assert refused.value.code == "busy" and aside(tmp_path) == []
    agent.close()
