"""The site's store: the same tests on memory and on the encrypted file; then what only a file can do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from medloom.agent.file import StoreFull, StoreUnusable
from medloom.agent.store import SqliteSite
from medloom.wire.memory_site import MemorySite
from medloom.wire.operation import Kind
from medloom.wire.site import SiteMachine
from medloom.wire.stores import SiteStore
from medloom.wire.tests.network import KEYS, SHEETS, Network, author, draft, identity
from medloom.wire.writing import write

KEY = bytes(range(32))
X, Y = identity(1), identity(2)
Make = Callable[[str], SiteStore]


@pytest.fixture(params=["memory", "file"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    made: list[SqliteSite] = []

    def build(site: str) -> SiteStore:
        if request.param == "memory":
            return MemorySite(site=site, sheets=SHEETS)
        made.append(SqliteSite(tmp_path / f"{site}{len(made)}.db", site=site, sheets=SHEETS, key=KEY))
        return made[-1]

    yield build
    for store in made:
        store.close()


def machine(net: Network, store: SiteStore, site: str = "A") -> SiteMachine:
    made = SiteMachine(store, site=site, key=KEYS[site], mint=net.random)
    made.start()
    return made


def state(store: SiteStore) -> dict[str, object]:
    objects = store.objects()  # type: ignore[attr-defined]
    return {k: (h.version, h.state, dict(h.values), dict(h.changed)) for k, h in objects.items()}


def hub_state(net: Network) -> dict[str, object]:
    return {k: (h.version, h.state, h.values, h.changed) for k, h in net.store.heads.items()}


@pytest.mark.files
def test_a_session_leaves_the_hubs_state(make: Make) -> None:
    net = Network()
    a = machine(net, make("A"))
    author(a, draft(X, fields={"number": "W1", "note": "压力"}), draft(Y, fields={"number": "W2"}))
    author(a, draft(X, fields={"note": "b"}))
    assert [each.number for each in a.store.pending(X)] == [1, 3]
    net.talk(a)
    net.post(X, 2, command="release")
    net.talk(a)
    assert state(a.store) == hub_state(net)
    assert (a.store.unlined(), a.store.pending(X), a.store.unsent("c", 10)[0]) == ([], [], [])
    assert a.store.type_of(X) == "order"
    held = a.store.held()
    assert [each[1:] for each in held] == [("c", 1, 3)]
    own = a.store.own([f"A/{a.epoch}/c/3"])
    assert own[f"A/{a.epoch}/c/3"].lined


@pytest.mark.files
def test_a_rewind_gives_the_lines_back_and_folds_anew(make: Make) -> None:
    net = Network()
    a = machine(net, make("A"))
    author(a, draft(X, fields={"number": "W1", "note": "a"}))
    net.talk(a)
    before, cursor = state(a.store), a.store.cursor("c")
    author(a, draft(X, fields={"note": "b"}))
    net.talk(a)
    with a.store.transaction():
        gone = a.store.cut("c", cursor.position)
    assert [line.position for line in gone] == [2]
    assert (state(a.store), a.store.cursor("c")) == (before, cursor)
    assert [own.number for own in a.store.pending(X)] == [2]
    with a.store.transaction():
        a.store.set_sent(a.epoch, "c", 2, only_back=True)
    assert [own.number for own in a.store.unsent("c", 9)[0]] == [2]


@pytest.mark.files
def test_a_restored_hub_is_healed_from_this_store(make: Make) -> None:
    net = Network()
    a = machine(net, make("A"))
    author(a, draft(X, fields={"number": "W1"}))
    net.talk(a)
    backup = net.store.copy()
    net.post(X, 1, note="hub")
    author(a, draft(Y, fields={"number": "W2"}), draft(identity(3), kind=Kind.OBSERVE, fields={"good": 1}))
    net.talk(a)
    net.restore(backup)
    net.talk(a)
    assert state(a.store) == hub_state(net)
    assert len(net.store.heads) == 3
    assert net.store.heads[X].values["note"] == "hub"


@pytest.mark.files
def test_what_a_backup_covers_is_pruned_and_the_state_stays(make: Make) -> None:
    net = Network()
    a = machine(net, make("A"))
    for n in range(1, 6):
        author(a, draft(identity(n), fields={"number": f"W{n}"}))
    net.talk(a)
    before = state(a.store)
    with a.store.transaction():
        a.store.prune("c", 3)
    assert state(a.store) == before
    assert [each[1:] for each in a.store.held()] == [("c", 4, 5)]
    assert [rung.position for rung in a.store.rungs("c", [5, 4, 2])] == [5, 4, 3]
    author(a, draft(identity(6), fields={"number": "W6"}))
    net.talk(a)
    assert a.store.cursor("c").position == 6
    assert state(a.store) == hub_state(net)


@pytest.mark.files
def test_a_chain_is_abandoned_from_a_number_on(make: Make) -> None:
    net = Network()
    a = machine(net, make("A"))
    own = author(a, *(draft(identity(n), fields={"number": f"W{n}"}) for n in range(1, 5)))
    with a.store.transaction():
        a.store.abandon(a.epoch, "c", 3, [each.id for each in own[2:]])
    assert [each.number for each in a.store.unsent("c", 9)[0]] == [1, 2]
    assert [each.number for each in a.store.unlined()] == [1, 2]
    net.talk(a)
    assert len(net.store.heads) == 2
    assert a.store.unsent("c", 9)[0] == []


@pytest.mark.files
def test_values_are_kept_and_forgotten(make: Make) -> None:
    store = make("A")
    with store.transaction():
        store.put("space", {"b": b"2", "a": b"1"})
        store.put("space", {"b": None})
    assert (store.get("space", "a"), store.get("space", "b"), store.keys("space")) == (b"1", None, ["a"])


def open_file(path: Path, **changes: object) -> SqliteSite:
    given: dict[str, object] = {"site": "A", "sheets": SHEETS, "key": KEY}
    return SqliteSite(path, **(given | changes))  # type: ignore[arg-type]


@pytest.mark.files
def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = open_file(tmp_path / "a.db")
    with store.transaction():
        store.begin_epoch("e" * 32)
    with pytest.raises(RuntimeError), store.transaction():
        write(store, [draft(X, fields={"number": "W1"})], site="A")
        raise RuntimeError
    assert store.unlined() == []
    assert store.standing("e" * 32, "c")[0] == 1
    store.close()


@pytest.mark.files
def test_the_file_is_unreadable_without_its_key_and_has_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = open_file(path)
    with store.transaction():
        store.put("s", {"k": b"find me if you can"})
    with pytest.raises(StoreUnusable, match="another agent") as busy:
        open_file(path)
    assert busy.value.code == "busy"
    store.close()
    assert b"find me" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    for changes, code in (({"key": bytes(32)}, "key_wrong"), ({"site": "B"}, "site_differs")):
        with pytest.raises(StoreUnusable) as refused:
            open_file(path, **changes)
        assert refused.value.code == code
    store = open_file(path)
    assert store.get("s", "k") == b"find me if you can"
    assert store.check() == []
    store.close()


@pytest.mark.files
def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = open_file(path)
    with store.transaction():
        store.put("s", {str(n): bytes(2_000) for n in range(200)})
    store.close()
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    store = open_file(path)
    assert store.check()
    store.close()


@pytest.mark.files
def test_a_full_store_refuses_edits_before_observations(tmp_path: Path) -> None:
    store = open_file(tmp_path / "a.db", quota_bytes=1_000_000)
    with store.transaction():
        store.begin_epoch("e" * 32)
    filled = 0
    while store.fill() < 0.91:
        with store.transaction():
            store.put("fill", {str(filled): bytes(8_000)})
        filled += 1
    with pytest.raises(StoreFull), store.transaction():
        write(store, [draft(X, fields={"number": "W1"})], site="A")
    with store.transaction():
        write(store, [draft(Y, kind=Kind.OBSERVE, fields={"good": 1})], site="A")
    with pytest.raises(StoreFull):
        while True:
            with store.transaction():
                store.put("fill", {str(filled): bytes(8_000)})
            filled += 1
    with pytest.raises(StoreFull), store.transaction():
        write(store, [draft(X, kind=Kind.OBSERVE, fields={"good": 1})], site="A")
    assert store.check() == []
    assert len(store.unlined()) == 1
    store.close()


WRITER = """
import sys
from pathlib import Path
from medloom.agent.store import SqliteSite
from medloom.wire.operation import Kind
from medloom.wire.tests.network import SHEETS, draft, identity
from medloom.wire.writing import write

store = SqliteSite(Path(sys.argv[1]), site="A", sheets=SHEETS, key=bytes(range(32)))
with store.transaction():
    store.begin_epoch("e" * 32)
number = store.standing("e" * 32, "v")[0]
while True:
    with store.transaction():
        pair = [draft(identity(number + at), kind=Kind.OBSERVE, fields={"good": number}) for at in (0, 1)]
        write(store, pair, site="A")
        store.put("mark", {"written": str(number + 1).encode()})
    print(number + 1, flush=True)
    number += 2
"""


@pytest.mark.process
def test_what_was_committed_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    script = tmp_path / "writer.py"
    script.write_text(textwrap.dedent(WRITER))
    said = 0
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, str(script), str(path)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        ) as child:
            assert child.stdout is not None
            said = int(child.stdout.readline())
            time.sleep(0.05)
            child.send_signal(signal.SIGKILL)
            said = max([said, *(int(line) for line in child.stdout.read().split(b"\n")[:-1])])
        store = open_file(path)
        written = int(store.get("mark", "written") or b"0")
        assert written >= said
        assert [own.number for own in store.unlined()] == list(range(1, written + 1))
        assert store.check() == []
        store.close()
