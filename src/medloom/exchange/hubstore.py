"""The hub's side of the sync protocol on PostgreSQL: `wire.stores.HubStore` over the ledger.

`wire.hub.HubMachine` decides; this reads and writes for it. One machine call is one transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from medloom.exchange import feedstore as feeds
from medloom.exchange import recovery
from medloom.exchange.sequencer import start_epoch
from medloom.kernel import queries
from medloom.kernel.case import Received
from medloom.kernel.cursor import one_transaction
from medloom.kernel.ledger import append, forget, repeated
from medloom.kernel.ruling import Wiring
from medloom.wire.chain import feed_start, operation_hash
from medloom.wire.feed import FeedLine
from medloom.wire.messages import Rung, SnapshotRow
from medloom.wire.operation import hub_label
from medloom.wire.push import Line
from medloom.wire.session import SiteSession
from medloom.wire.stores import Ahead, HubEpoch, HubState, Intake
from medloom.wire.verdict import Answer, Refusal, Verdict

_SESSION = msgspec.json.Decoder(SiteSession)
#: The hub epoch in which this process learned which key is which object.
_LEARNED_IN = [""]


class PostgresHub:
    """A HubStore. `keys` gives a site's valid public keys, newest first (the room of parties knows them).

    `wiring` is read once per transaction, since it names the sites as they are now. A push that meets a
    lost race or a value that PostgreSQL refuses raises one of ledger.LOST or ledger.SPOILT: the caller
    asks again on a `careful` store, which finds out what can be saved, at the price of savepoints.
    """

    def __init__(
        self,
        *,
        wiring: Callable[[Any], Wiring],
        keys: Callable[[str], tuple[bytes, ...]],
        careful: bool = False,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.before = before
        self.wiring = wiring
        self.keys = keys
        self.careful = careful
        self.cursor: Any = None
        self.wired: Wiring | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One durable transaction on Django's connection; the store is used by one thread at a time."""
        with one_transaction(self.before) as cursor:
            self.cursor, self.wired = cursor, None
            yield

    # -- the hub and its sessions

    def hub(self) -> HubState:
        """The hub's epochs, oldest first; a new database begins its first one."""
        ask = "select epoch, since, recovering from hub order by id"
        rows = self.cursor.execute(ask).fetchall()
        if not rows:
            start_epoch(self.cursor.connection)
            rows = self.cursor.execute(ask).fetchall()
        epochs = tuple(HubEpoch(row["epoch"].hex, row["since"]) for row in rows)
        waits = bool(rows) and rows[-1]["recovering"] and recovery.recovering(self.cursor)
        return HubState(epochs, waits)

    def begin_epoch(self, epoch: str, *, since: int) -> None:
        """Start a new hub epoch in recovery and take every session's token away."""
        why = "a site showed lines that this hub had lost"
        recovery.begin(self.cursor, epoch=epoch, since=since, by="hub", reason=why)

    def awaited(self) -> list[SiteSession]:
        """The sites that this epoch waits for."""
        return recovery.awaited(self.cursor)

    def end_recovery(self, *, by: str, reason: str) -> None:
        """Wait no longer."""
        recovery.end(self.cursor, by=by, reason=reason)

    def session(self, site: str, *, for_update: bool) -> SiteSession | None:
        """The site's row, locked; None when it was never enrolled."""
        row = self.cursor.execute(queries.SESSION[for_update], (site,)).fetchone()
        return _SESSION.decode(row["state"]) if row else None

    def save_session(self, row: SiteSession) -> None:
        """Store the row."""
        self.cursor.execute(
            """insert into agent_session (site, state, seen) values (%s, %s, now())
               on conflict (site) do update set state = excluded.state, seen = now()""",
            (row.site, msgspec.json.encode(row).decode()),
        )

    def public_keys(self, site: str) -> tuple[bytes, ...]:
        """The site's valid Ed25519 keys, newest first."""
        return self.keys(site)

    # -- chains

    def standings(
        self, site: str, chains: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], tuple[int, bytes]]:
        """(epoch, chain) -> next number and head before it, for those that have any operation."""
        rows = queries.standings(self.cursor, site, chains)
        return {(r["epoch"].hex, r["chain"]): (r["next"], bytes(r["head"])) for r in rows}

    def before_push(self, site: str, epoch: str, chain: str, first: int, last: int) -> Ahead:
        """What a push is judged by: every statement is sent at once, and runs after the lock before it."""
        session = self.cursor.execute(queries.SESSION[False], (site,))
        self.cursor.execute(queries.LOCK_SESSION, (f"{site}/{epoch}/{chain}",))
        standing = queries.standings(self.cursor, site, [(epoch, chain)])
        known = queries.known_numbers(self.cursor, epoch, chain, first, last)
        ends = feeds.ends(self.cursor, site)
        hub = self.cursor.execute("select epoch from hub order by id desc limit 1")
        self.wired = self.wiring(self.cursor)
        row, stands, now = session.fetchone(), standing.fetchone(), hub.fetchone()
        if now and now["epoch"].hex != _LEARNED_IN[0]:
            # The database was put back under a process that went on: its numbers may be others' by now.
            forget()
            _LEARNED_IN[0] = now["epoch"].hex
        return Ahead(
            _SESSION.decode(row["state"]) if row else None,
            (stands["next"], bytes(stands["head"])) if stands else None,
            {found["number"]: bytes(found["hash"]) for found in known},
            now["epoch"].hex if now else "",
            {end["feed"]: end["position"] for end in ends},
        )

    def append(self, intake: Intake) -> list[Answer]:
        """Judge and store new lines and move the chain's standing; inside the caller's transaction."""
        received = [received_of(line, intake.epoch, intake.chain) for line in intake.lines]
        # Before the operations are judged: what the source identity answers has no other trace.
        self.cursor.execute(
            """insert into chain_state (site, epoch, chain, next, head) values (%s, %s, %s, %s, %s)
               on conflict (site, epoch, chain) do update set next = excluded.next, head = excluded.head""",
            (intake.site, uuid.UUID(intake.epoch), intake.chain, intake.next, intake.head),
        )
        return self._append(received, intake.site) if received else []

    def _append(self, received: Sequence[Received], author: str, *, careful: bool = False) -> list[Answer]:
        self.wired = self.wired or self.wiring(self.cursor)
        careful = careful or self.careful
        return append(received, author=author, wiring=self.wired, cursor=self.cursor, careful=careful)

    def latest(self, ids: Sequence[str]) -> dict[str, Answer]:
        """The latest answer of each known operation."""
        keys = {each: key for each in ids if (key := queries.split_id(each)) is not None}
        found = queries.latest_entries(self.cursor, list(keys.values()))
        answers = {}
        for each, key in keys.items():
            row = found.get(key)
            if row is not None:
                item = Received(raw=b"", epoch="", chain="", number=0)
                answers[each] = msgspec.structs.replace(repeated(item, row), id=each)
        return answers

    def hand_back(self, site: str, lines: Sequence[FeedLine]) -> int:
        """Take lines that this hub lost, judged again as their author's, under their own ids.

        Members of a group are judged together; anything else one by one, since what a lost version has
        become must be known to the next operation that was made on it.
        """
        lines = [line for line in lines if line.verdict in set(Verdict)]
        keys = {line.id: key for line in lines if (key := queries.split_id(line.id)) is not None}
        found = queries.latest_entries(self.cursor, list(keys.values()))
        told = [line for line in lines if line.id in keys]
        new = {line.id: line for line in told if keys[line.id] not in found}
        recovery.took(self.cursor, site, new=len(new), seqs=[line.seq for line in told])
        known = [line for line in told if line.id not in new]
        # Ids that another agent has used meanwhile: what requires them means other operations.
        same = {line.id for line in known if bytes(found[keys[line.id]]["hash"]) == operation_hash(line.raw)}
        contested = frozenset(line.id for line in known if line.id not in same)
        for run in _runs(new.values()):
            received = [_again(line, *keys[line.id], contested) for line in run]
            answers = self._append(received, run[0].site, careful=True)
            self._map(
                (line, a.verdict, a.version) for line, a in zip(run, answers, strict=True) if not a.first
            )
        # What another site has handed back, or its author sent again, before this one.
        stands = [(line, found[keys[line.id]]) for line in known if line.id in same]
        self._map((line, row["verdict"], row["version"]) for line, row in stands)
        return len(new)

    def _map(self, lines: Iterable[tuple[FeedLine, str, int]]) -> None:
        """Keep which version a lost one has become, where both were accepted."""
        for line, verdict, version in lines:
            if verdict == line.verdict == Verdict.ACCEPTED and line.object:
                self.cursor.execute(
                    """insert into lost_version (hub, object, old, new) values (%s, %s, %s, %s)
                       on conflict do nothing""",
                    (hub_label(line.hub), uuid.UUID(line.object), line.version, version),
                )

    # -- feeds

    def feed_heads(self, site: str, feed: str, positions: Sequence[int]) -> dict[int, str]:
        """Chain heads (hex) at those positions."""
        return feeds.heads_at(self.cursor, site, feed, list(positions))

    def feed_end(self, site: str, feed: str) -> Rung:
        """The newest position and its head."""
        row = feeds.end(self.cursor, site, feed)
        return Rung(*row) if row else Rung(0, feed_start(site=site, feed=feed).hex())

    def seq_at(self, site: str, feed: str, position: int) -> int:
        """The sequence number of the line there; 0 for position 0."""
        return feeds.seq_at(self.cursor, site, feed, position)

    def lines(self, site: str, feed: str, after: int, limit: int) -> tuple[list[FeedLine], str]:
        """Lines after a position, in order, and the head after the last."""
        lines, head = feeds.lines(self.cursor, site, feed, after, limit)
        if head is None:
            head = feeds.heads_at(self.cursor, site, feed, [after]).get(after)
        return lines, head or feed_start(site=site, feed=feed).hex()

    def covered(self, site: str) -> dict[str, int]:
        """Nothing yet: sites keep every line until backups are verified by the hub itself."""
        return {}

    def snapshot(self, site: str, after: str, limit: int) -> list[SnapshotRow]:
        """What the site may see, in order of object id."""
        return feeds.snapshot(self.cursor, site, after, limit)

    def alarm(self, code: str, site: str, detail: str) -> None:
        """Keep it for the page of alarms, once until a person has looked at it."""
        self.cursor.execute(
            "insert into alarm (code, site, detail, raised)"
            " select %(code)s::text, %(site)s::text, %(detail)s::text, now()"
            " where not exists (select from alarm a where a.code = %(code)s::text and a.site = %(site)s::text"
            " and a.detail = %(detail)s::text and a.seen_at is null)",
            {"code": code, "site": site, "detail": detail[:500]},
        )


def _runs(lines: Iterable[FeedLine]) -> Iterator[list[FeedLine]]:
    """The lines one by one, but the members of a group, which follow each other, together."""
    run: list[FeedLine] = []
    for line in lines:
        if run and (not _group(line) or _group(line) != _group(run[-1])):
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _group(line: FeedLine) -> str:
    operation = line.operation()
    return f"{line.site}/{operation.group}" if operation is not None and operation.group else ""


def _again(line: FeedLine, epoch: str, chain: str, number: int, contested: frozenset[str]) -> Received:
    """A lost line as the door takes it. A page's operation names no hub epoch: it meant its line's."""
    operation, fault = line.operation(), None
    if operation is None:
        fault = Refusal(code="unreadable", path="")
    else:
        contested = contested & set(operation.requires)
        if not operation.hub:
            operation = msgspec.structs.replace(operation, hub=hub_label(line.hub))
    return Received(line.raw, epoch, chain, number, operation, fault, contested=contested)


def received_of(line: Line, epoch: str, chain: str) -> Received:
    """A pushed line as the door takes it."""
    fault = None
    if line.malformed is not None:
        bad = line.malformed
        fault = Refusal(code=bad.code, path=bad.path, got=bad.detail[:200])
    return Received(
        raw=line.raw,
        epoch=epoch,
        chain=chain,
        number=line.number,
        operation=line.operation,
        fault=fault,
        hash=line.hash,
    )
