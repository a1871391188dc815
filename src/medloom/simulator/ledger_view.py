"""The ledger on PostgreSQL as the oracle reads it: what `MemoryHub` keeps in memory, asked for each time."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from medloom.exchange import feedstore
from medloom.kernel import queries
from medloom.kernel.case import Received
from medloom.kernel.entity import catalogue
from medloom.kernel.ledger import repeated
from medloom.simulator.house import HOUSE
from medloom.wire.canonical import decode_operation
from medloom.wire.memory_ledger import Entry
from medloom.wire.messages import Rung
from medloom.wire.session import SiteSession
from medloom.wire.sheet import Head
from medloom.wire.stores import HubEpoch, HubState
from medloom.wire.verdict import Verdict

TYPES = (HOUSE.order, HOUSE.record, "lot", "move", "hold", "item")
SITES = ("A", "B", "HQ")
_ENTRIES = """
    select seq, site as author, epoch, chain, number, type, object, home, verdict, version, decision, cause,
           sites, feed, hash, body, encoding from entry order by seq"""
#: Whom a change concerns: read again only after one.
_MARK = "select count(*), coalesce(max(seq), 0) from entry"


class LedgerView:
    """Reads with the owner's eyes, and only what is committed. `save` stores a site's session."""

    def __init__(
        self, link: psycopg.Connection[Any], flying: Callable[[], Collection[Any]], save: Callable[..., None]
    ) -> None:
        self.link = link
        set_json_loads(bytes, link)  # as Django's connection has it: the feeds decode it themselves
        self.sheets = HOUSE.sheets
        self._flying, self._save = flying, save
        self._mark: Any = None
        self._kept: dict[str, Any] = {}

    def _rows(self, ask: str, given: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        with self.link.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(ask, given).fetchall()

    def _once(self, name: str, read: Callable[[], Any]) -> Any:
        mark = self.link.execute(_MARK).fetchone()
        if mark != self._mark:
            self._mark, self._kept = mark, {}
        if name not in self._kept:
            self._kept[name] = read()
        return self._kept[name]

    # -- the ledger

    @property
    def entries(self) -> list[Entry]:
        """Every entry in the order of its number."""
        found: list[Entry] = self._once("entries", lambda: [_entry(row) for row in self._rows(_ENTRIES)])
        return found

    @property
    def by_id(self) -> Mapping[str, Entry]:
        """The latest entry of each operation."""
        return {entry.id: entry for entry in self.entries}

    @property
    def parked(self) -> Mapping[str, Entry]:
        """Operations that wait for something."""
        return {i: entry for i, entry in self.by_id.items() if entry.verdict is Verdict.PARKED}

    def _standing(self) -> dict[str, tuple[str, Head]]:
        found: dict[str, tuple[str, Head]] = {}
        with self.link.cursor(row_factory=dict_row) as cursor:
            for name in TYPES:
                for site in SITES:
                    rows = feedstore.heads_of(cursor, catalogue()[name], site, feedstore.FIRST, 100_000)
                    found |= {row.head.object: (row.type, row.head) for row in rows}
        return found

    @property
    def heads(self) -> Mapping[str, Head]:
        """What stands, by object."""
        return {o: head for o, (_, head) in self._once("standing", self._standing).items()}

    @property
    def types(self) -> Mapping[str, str]:
        """Type by object."""
        return {o: name for o, (name, _) in self._once("standing", self._standing).items()}

    @property
    def balances(self) -> Mapping[str, int]:
        """Stock by lot, over all places."""
        ask = """select l.site, l.key, sum(s.quantity)::int as quantity
                 from stock s join lot l on l.num = s.lot_id group by l.site, l.key"""
        return {f"{row['site']}/{row['key']}": row["quantity"] for row in self._rows(ask)}

    @property
    def alarms(self) -> list[tuple[str, str, str]]:
        """What a person must look at."""
        return [(row["code"], row["site"], row["detail"]) for row in self._rows("select * from alarm")]

    @property
    def seq(self) -> int:
        """The newest number."""
        return self._rows("select coalesce(max(seq), 0) as seq from entry")[0]["seq"]  # type: ignore[no-any-return]

    @property
    def _unsequenced(self) -> list[int]:
        ask = "select seq from entry e where not exists (select from leaf l where l.seq = e.seq)"
        return [row["seq"] for row in self._rows(ask)]

    @property
    def open(self) -> Collection[Any]:
        """Transactions in flight."""
        return self._flying()

    # -- the hub and its sites

    def hub(self) -> HubState:
        """The hub's epochs, oldest first."""
        rows = self._rows("select epoch, since, recovering from hub order by id")
        return HubState(tuple(HubEpoch(r["epoch"].hex, r["since"]) for r in rows), rows[-1]["recovering"])

    @property
    def sessions(self) -> Mapping[str, SiteSession]:
        """Each site's row."""
        import msgspec

        rows = self._rows("select site, state from agent_session order by site")
        return {row["site"]: msgspec.json.decode(row["state"], type=SiteSession) for row in rows}

    def save_session(self, row: SiteSession) -> None:
        """What a person chose; waits for whoever has the row."""
        self._save(row)

    def feed_end(self, site: str, feed: str) -> Rung:
        """The newest position."""
        with self.link.cursor(row_factory=dict_row) as cursor:
            found = feedstore.end(cursor, site, feed)
        return Rung(*found) if found else Rung(0, "")


def _entry(row: dict[str, Any]) -> Entry:
    raw = base64.b64decode(row["body"]) if row["encoding"] else row["body"].encode()
    ident = queries.operation_id(row)
    verdict = Verdict(row["verdict"])
    received = Received(raw=raw, epoch=str(row["epoch"]), chain=row["chain"], number=row["number"])
    return Entry(
        seq=row["seq"],
        xid=0,
        site=row["author"],
        id=ident,
        raw=raw,
        hash=bytes(row["hash"]),
        operation=None if row["encoding"] else decode_operation(raw),
        type=row["type"],
        object=str(row["object"] or ""),
        home=row["home"],
        verdict=verdict,
        version=row["version"],
        decision=row["decision"] or "",
        cause=row["cause"] or 0,
        sites=tuple(row["sites"]),
        feed=row["feed"],
        answer=repeated(received, row),
    )
