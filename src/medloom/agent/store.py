"""The agent's store: one encrypted SQLite file, written by one connection of one process.

Implements `wire.stores.SiteStore` on `file.EncryptedFile`. Lines, cursor and folded state change in one
transaction, so that a crash leaves the state of a position.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from medloom.agent.file import (
    FILL_EDITS,
    FILL_OBSERVATIONS,
    QUOTA_BYTES,
    EncryptedFile,
    StoreDamaged,
    StoreFull,
    StoreUnusable,
)
from medloom.wire.chain import feed_start, operation_hash, operations_head, operations_start
from medloom.wire.feed import FeedLine, decode_line, encode_line, fold
from medloom.wire.memory_site import line_answer
from medloom.wire.messages import Rung, SnapshotRow
from medloom.wire.operation import CHAINS
from medloom.wire.sheet import Head, Sheet
from medloom.wire.stores import Own
from medloom.wire.verdict import Answer, Verdict

_PART = 500

_TABLES = """
create table if not exists setting(name text primary key, value blob not null) without rowid;
create table if not exists epoch(nth integer primary key autoincrement, epoch text not null unique);
create table if not exists chain(
  epoch text, chain text, first integer not null, next integer not null, sent integer not null,
  before blob not null, primary key(epoch, chain)) without rowid;
create table if not exists own(
  epoch text, chain text, number integer, id text not null, object text not null, grp text not null,
  raw blob, head blob not null, answer blob, lined integer not null default 0,
  primary key(epoch, chain, number)) without rowid;
create unique index if not exists own_id on own(id);
create index if not exists own_pending on own(object) where not lined;
create table if not exists line(
  feed text, position integer, id text not null, head text not null, body blob not null,
  primary key(feed, position)) without rowid;
create table if not exists edge(
  feed text primary key, position integer not null, head text not null) without rowid;
create table if not exists head(
  object text primary key, type text not null, now blob, base blob) without rowid;
create table if not exists kept(
  space text, key text, value blob not null, primary key(space, key)) without rowid;
"""
_OWN = "select epoch, chain, number, raw, id, object, grp, answer, lined from own"
_ANSWER = msgspec.json.Decoder(Answer)
_HEAD = msgspec.json.Decoder(Head)


class SqliteSite(EncryptedFile):
    """A site's store in one file. `key` is 32 bytes; a wrong one raises StoreUnusable."""

    def __init__(
        self,
        path: Path,
        *,
        site: str,
        sheets: Mapping[str, Sheet],
        key: bytes,
        quota_bytes: int = QUOTA_BYTES,
    ) -> None:
        super().__init__(path, key=key, quota_bytes=quota_bytes)
        self.site = site
        self.sheets = sheets
        try:
            self._lay()
            kept = bytes(self._rows("select value from setting where name = 'site'")[0][0]).decode()
        except (StoreDamaged, StoreFull) as error:
            self.close()
            code = "damaged" if isinstance(error, StoreDamaged) else "disk_full"
            raise StoreUnusable(code, str(error)) from error
        if kept != site:
            self.close()
            raise StoreUnusable("site_differs", f"{path} is the store of site {kept}, not {site}")

    def _lay(self) -> None:
        """The tables, and where feeds begin; a second time changes nothing."""
        with self.transaction():
            for statement in filter(None, map(str.strip, _TABLES.split(";"))):
                self._run(statement)
            for feed in CHAINS:
                start = feed_start(site=self.site, feed=feed).hex()
                self._run("insert or ignore into edge values(?, 0, ?)", (feed, start))
            self._run("insert or ignore into setting values('site', ?)", (self.site.encode(),))

    # -- identity ------------------------------------------------------------------------------

    def epochs(self) -> tuple[str, ...]:
        return tuple(row[0] for row in self._rows("select epoch from epoch order by nth"))

    def begin_epoch(self, epoch: str) -> None:
        self._run("insert or ignore into epoch(epoch) values(?)", (epoch,))

    def hub_epoch(self) -> str:
        found = self._rows("select value from setting where name = 'hub'")
        return bytes(found[0][0]).decode() if found else ""

    def set_hub_epoch(self, epoch: str) -> None:
        self._run("insert or replace into setting values('hub', ?)", (epoch.encode(),))

    # -- own operations ------------------------------------------------------------------------

    def standing(self, epoch: str, chain: str) -> tuple[int, bytes]:
        found = self._rows("select next from chain where epoch = ? and chain = ?", (epoch, chain))
        following = int(found[0][0]) if found else 1
        return following, self._head_before(epoch, chain, following)

    def _head_before(self, epoch: str, chain: str, number: int) -> bytes:
        found = self._rows(
            "select head from own where epoch = ? and chain = ? and number = ?", (epoch, chain, number - 1)
        ) or self._rows("select before from chain where epoch = ? and chain = ?", (epoch, chain))
        start = operations_start(site=self.site, epoch=epoch, chain=chain)
        return bytes(found[0][0]) if found else start

    def add(self, own: Sequence[Own]) -> None:
        self._room(own)
        standings: dict[tuple[str, str], tuple[int, bytes]] = {}
        rows = []
        for each in own:
            key = (each.epoch, each.chain)
            number, head = standings.get(key) or self.standing(*key)
            assert each.number == number, "own numbers have no gap"
            head = operations_head(head, first=number, hashes=[operation_hash(each.raw)])
            standings[key] = (number + 1, head)
            rows.append((*key, number, each.id, each.object, each.group, each.raw, head))
        for (epoch, chain), (following, _) in standings.items():
            start = operations_start(site=self.site, epoch=epoch, chain=chain)
            self._run("insert or ignore into chain values(?, ?, 1, 1, 1, ?)", (epoch, chain, start))
            self._run("update chain set next = ? where epoch = ? and chain = ?", (following, epoch, chain))
        self._each(
            "insert into own(epoch, chain, number, id, object, grp, raw, head) values(?,?,?,?,?,?,?,?)", rows
        )

    def _room(self, own: Sequence[Own]) -> None:
        fill = self.fill()
        if fill < FILL_EDITS or not own:
            return
        # A row that tells of a fact may bring a lot or an item along: the fact decides for all of it.
        observes = any(b'"kind":"observe"' in each.raw or b'"kind":"raw"' in each.raw for each in own)
        if fill >= (FILL_OBSERVATIONS if observes else FILL_EDITS):
            raise StoreFull(self.fill_text())

    def held(self) -> list[tuple[str, str, int, int]]:
        return [
            (row[0], row[1], row[2], row[3] - 1)
            for row in self._rows(
                "select c.epoch, c.chain, c.first, c.next from chain c join epoch e on e.epoch = c.epoch"
                " where c.next > c.first order by e.nth, c.chain"
            )
        ]

    def unsent(self, chain: str, limit: int) -> tuple[list[Own], bytes]:
        found = self._rows(
            "select c.epoch, max(c.sent, c.first) from chain c join epoch e on e.epoch = c.epoch"
            " where c.chain = ? and c.sent < c.next order by e.nth limit 1",
            (chain,),
        )
        if not found:
            return [], b""
        epoch, number = found[0]
        rows = self._rows(
            f"{_OWN} where epoch = ? and chain = ? and number >= ? order by number limit ?",
            (epoch, chain, number, limit),
        )
        return [_own(row) for row in rows], self._head_before(epoch, chain, number)

    def set_sent(self, epoch: str, chain: str, next: int, *, only_back: bool = False) -> None:
        self._run(
            "update own set answer = null where epoch = ? and chain = ? and number >= ? and not lined"
            " and ? < (select sent from chain where epoch = own.epoch and chain = own.chain)",
            (epoch, chain, next, next),
        )
        self._run(
            "update chain set sent = ? where epoch = ? and chain = ? and (? < sent or not ?)",
            (next, epoch, chain, next, only_back),
        )

    def answered(self, answers: Sequence[Answer]) -> None:
        self._each(
            "update own set answer = ?, lined = ? where id = ? and not lined",
            [(msgspec.json.encode(each), bool(each.first), each.id) for each in answers],
        )

    def pending(self, object: str) -> list[Own]:
        return self._aged("where o.object = ? and not o.lined", (object,))

    def _aged(self, where: str, args: Sequence[Any] = ()) -> list[Own]:
        columns = "o.epoch, o.chain, o.number, o.raw, o.id, o.object, o.grp, o.answer, o.lined"
        rows = self._rows(
            f"select {columns} from own o join epoch e on e.epoch = o.epoch {where}"
            " order by e.nth, o.chain, o.number",
            args,
        )
        return [_own(row) for row in rows]

    def own(self, ids: Sequence[str]) -> dict[str, Own]:
        found: dict[str, Own] = {}
        for at in range(0, len(ids), _PART):
            part = ids[at : at + _PART]
            marks = ",".join("?" * len(part))
            found.update((row[4], _own(row)) for row in self._rows(f"{_OWN} where id in ({marks})", part))
        return found

    def unlined(self) -> list[Own]:
        return self._aged("where not o.lined")

    def abandon(self, epoch: str, chain: str, first: int, ids: Sequence[str]) -> None:
        self._each("delete from own where id = ?", [(each,) for each in ids])
        self._run(
            "update chain set next = min(next, max(first, ?1)), sent = min(sent, max(first, ?1))"
            " where epoch = ?2 and chain = ?3",
            (first, epoch, chain),
        )

    # -- feeds ---------------------------------------------------------------------------------

    def cursor(self, feed: str) -> Rung:
        found = self._rows(
            "select position, head from line where feed = ? order by position desc limit 1", (feed,)
        )
        return Rung(*found[0]) if found else self._edge(feed)

    def _edge(self, feed: str) -> Rung:
        return Rung(*self._rows("select position, head from edge where feed = ?", (feed,))[0])

    def rungs(self, feed: str, positions: Sequence[int]) -> list[Rung]:
        marks = ",".join("?" * len(positions))
        rows = self._rows(
            f"select position, head from line where feed = ? and position in ({marks}) order by 1 desc",
            (feed, *positions),
        )
        edge = self._edge(feed)
        return [Rung(*row) for row in rows] + ([edge] if edge.position else [])

    def take(self, feed: str, lines: Sequence[FeedLine], heads: Sequence[str]) -> None:
        rows = [
            (feed, line.position, line.id, head, encode_line(line))
            for line, head in zip(lines, heads, strict=True)
        ]
        self._each("insert into line values(?, ?, ?, ?, ?)", rows)
        self._fold(lines, "now")
        own = self.own([line.id for line in lines])
        marks = []
        for line in lines:
            mine = own.get(line.id)
            if mine is not None and operation_hash(mine.raw) == operation_hash(line.raw):
                answer = msgspec.json.encode(line_answer(line))
                marks.append((answer, line.verdict != Verdict.PARKED, line.id))
        self._each("update own set answer = ?, lined = ? where id = ?", marks)

    def _fold(self, lines: Sequence[FeedLine], column: str) -> None:
        heads: dict[str, Head] = {}
        types = {line.object: line.type for line in lines if line.object}
        for each in types:
            found = self._rows(f"select {column} from head where object = ?", (each,))
            if found and found[0][0] is not None:
                heads[each] = _HEAD.decode(found[0][0])
        for line in lines:
            fold(heads, line, self.sheets)
        rows = [(o, t, msgspec.json.encode(heads[o]) if o in heads else None) for o, t in types.items()]
        self._each(
            f"insert into head(object, type, {column}) values(?, ?, ?) on conflict(object) do update"
            f" set {column} = excluded.{column}, type = excluded.type",
            rows,
        )

    def _lines(self, where: str, args: Sequence[Any]) -> Iterator[FeedLine]:
        for row in self._rows(f"select body from line {where}", args):
            yield decode_line(row[0])

    def cut(self, feed: str, position: int) -> list[FeedLine]:
        assert position >= self._edge(feed).position, "a verified backup covers what was pruned"
        gone = list(self._lines("where feed = ? and position > ? order by position", (feed, position)))
        if not gone:
            return []
        self._run("delete from line where feed = ? and position > ?", (feed, position))
        self._each("update own set answer = null, lined = 0 where id = ?", [(line.id,) for line in gone])
        self._run("update head set now = base")
        for each in CHAINS:
            after = 0
            while part := list(
                self._lines("where feed = ? and position > ? order by position limit ?", (each, after, _PART))
            ):
                self._fold(part, "now")
                after = part[-1].position
        return gone

    def prune(self, feed: str, position: int) -> None:
        rows = self._rows(
            "select position, head from line where feed = ? and position <= ? order by 1 desc limit 1",
            (feed, position),
        )
        if not rows:
            return
        gone = list(self._lines("where feed = ? and position <= ? order by position", (feed, position)))
        self._fold(gone, "base")
        self._run("update edge set position = ?, head = ? where feed = ?", (*rows[0], feed))
        self._run("delete from line where feed = ? and position <= ?", (feed, position))
        self._each("update own set raw = null where id = ? and lined", [(line.id,) for line in gone])
        for epoch, chain, first, last in self.held():
            self._prune_chain(epoch, chain, first, last)

    def _prune_chain(self, epoch: str, chain: str, first: int, last: int) -> None:
        kept = self._rows(
            "select min(o.number), min(c.sent) from chain c left join own o on o.epoch = c.epoch"
            " and o.chain = c.chain and o.raw is not null where c.epoch = ? and c.chain = ?",
            (epoch, chain),
        )[0]
        edge = min(kept[0] if kept[0] is not None else last + 1, kept[1])
        if edge <= first:
            return
        before = self._head_before(epoch, chain, edge)
        self._run(
            "update chain set first = ?, before = ? where epoch = ? and chain = ?",
            (edge, before, epoch, chain),
        )
        self._run("delete from own where epoch = ? and chain = ? and number < ?", (epoch, chain, edge))

    def restart_feed(self, feed: str, rung: Rung) -> None:
        self._run("delete from line where feed = ?", (feed,))
        self._run("update edge set position = ?, head = ? where feed = ?", (rung.position, rung.head, feed))

    # -- state ---------------------------------------------------------------------------------

    def head(self, object: str) -> Head | None:
        found = self._rows("select now from head where object = ?", (object,))
        return _HEAD.decode(found[0][0]) if found and found[0][0] is not None else None

    def objects(self) -> dict[str, Head]:
        """Every head, for comparing states."""
        rows = self._rows("select object, now from head where now is not null")
        return {row[0]: _HEAD.decode(row[1]) for row in rows}

    def forget_state(self) -> None:
        self._run("update head set now = null, base = null")

    def set_heads(self, rows: Sequence[SnapshotRow]) -> None:
        states = [(row.head.object, row.type, msgspec.json.encode(row.head)) for row in rows]
        self._each(
            "insert into head values(?1, ?2, ?3, ?3) on conflict(object) do update"
            " set type = excluded.type, now = excluded.now, base = excluded.base",
            states,
        )

    def type_of(self, object: str) -> str:
        found = self._rows("select type from head where object = ?", (object,))
        return str(found[0][0]) if found else ""

    def get(self, space: str, key: str) -> bytes | None:
        found = self._rows("select value from kept where space = ? and key = ?", (space, key))
        return bytes(found[0][0]) if found else None

    def put(self, space: str, values: Mapping[str, bytes | None]) -> None:
        self._each(
            "delete from kept where space = ? and key = ?",
            [(space, k) for k, v in values.items() if v is None],
        )
        self._each(
            "insert or replace into kept values(?, ?, ?)",
            [(space, k, v) for k, v in values.items() if v is not None],
        )

    def keys(self, space: str) -> list[str]:
        return [row[0] for row in self._rows("select key from kept where space = ? order by key", (space,))]


def _own(row: tuple[Any, ...]) -> Own:
    epoch, chain, number, raw, identity, thing, group, answer, lined = row
    return Own(
        epoch=epoch,
        chain=chain,
        number=number,
        raw=bytes(raw or b""),
        id=identity,
        object=thing,
        group=group,
        answer=_ANSWER.decode(answer) if answer is not None else None,
        lined=bool(lined),
    )
