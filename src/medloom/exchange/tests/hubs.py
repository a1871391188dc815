"""A hub's store to be tested, in memory or on PostgreSQL: the same calls, the same sheets."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from django.db import connection

from medloom.exchange.hubstore import PostgresHub
from medloom.exchange.sequencer import Sequencer, start_epoch
from medloom.kernel.entity import catalogue
from medloom.kernel.ruling import BARE
from medloom.process import state
from medloom.wire.canonical import decode_operation, encode_operation
from medloom.wire.chain import operation_hash
from medloom.wire.feed import FeedLine
from medloom.wire.memory_hub import MemoryHub
from medloom.wire.operation import VOLUME, Kind, Operation, operation_id
from medloom.wire.push import Line
from medloom.wire.session import SiteSession
from medloom.wire.stores import HubStore, Intake
from medloom.wire.verdict import Answer

SITES = ("A", "B", "HQ")
E1, E2, HUB = "1" * 32, "2" * 32, "f" * 32


@dataclass
class HubInTest:
    """A store, and how its sequencer is run."""

    store: Any
    sequence: Callable[[], None]

    def append(self, *operations: Operation, site: str = "A") -> list[Answer]:
        """Push operations of one epoch and chain, in their order."""
        _, epoch, chain, first = operations[0].id.split("/")
        lines = tuple(line(each) for each in operations)
        intake = Intake(site, epoch, chain, lines, int(first) + len(lines), b"head")
        with self.store.transaction():
            return list(self.store.append(intake))

    def hand_back(self, *lines: FeedLine, site: str = "A") -> int:
        """Give back lines that it lost."""
        with self.store.transaction():
            return int(self.store.hand_back(site, lines))

    def lines(self, feed: str = VOLUME, site: str = "A", after: int = 0, limit: int = 100) -> list[FeedLine]:
        """Lines of a feed, sequenced before."""
        self.sequence()
        with self.store.transaction():
            found, _ = self.store.lines(site, feed, after, limit)
        return list(found)


def line(operation: Operation) -> Line:
    """An operation as a push holds it."""
    raw = encode_operation(operation)
    number = int(operation.id.split("/")[3])
    return Line(number=number, raw=raw, hash=operation_hash(raw), operation=decode_operation(raw))


def lot(number: int, *, epoch: str = E1, chain: str = VOLUME, site: str = "A", **given: Any) -> Operation:
    """A site's operation on a lot; without `object` on the one of that number."""
    fields = given.pop("fields", {"number": f"L{number}"})
    return Operation(
        id=operation_id(site=site, epoch=epoch, chain=chain, number=number),
        type="lot",
        object=given.pop("object", "") or identity(number),
        kind=Kind(given.pop("kind", "set")),
        fields=fields,
        at="2026-03-04T05:06:07Z",
        actor="p1",
        reason="because",
        **given,
    )


def identity(number: int) -> str:
    """An object's id."""
    return str(uuid.UUID(int=(0x0197A00000007 << 76) | (0x8 << 60) | number))


def in_memory(epoch: str = HUB) -> HubInTest:
    """A fresh hub in memory with the sheets of the house."""
    sheets = {name: declared.sheet for name, declared in catalogue().items()}
    store = MemoryHub(sheets=sheets, keys=dict.fromkeys(SITES, b"k" * 32), epoch=epoch)

    def sequence() -> None:
        store.sequence()

    return HubInTest(store, sequence)


def connect(role: str) -> psycopg.Connection[Any]:
    """A connection of its own to the test's database."""
    name = {"dbname": connection.settings_dict["NAME"]}
    return psycopg.connect(**(state.connection(role) | name), autocommit=True)


@contextmanager
def sequencing() -> Iterator[Sequencer]:
    """A sequencer of the test's database; nothing runs it but the test."""
    with connect("app") as app:
        start_epoch(app)
    with connect("sequencer") as link:
        found = Sequencer(link)
        found.load()
        yield found


def catch_up(sequencer: Sequencer) -> None:
    """Until all is in the feeds: any transaction of the server may hold the horizon back a moment."""
    until = time.monotonic() + 60
    ask = "select count(*) from entry e where not exists (select from leaf l where l.seq = e.seq)"
    while sequencer.connection.execute(ask).fetchone() != (0,):
        sequencer.round()
        assert time.monotonic() < until, "something holds the sequencer back"


@contextmanager
def on_postgres() -> Any:
    """The hub's store on the test's database, and a sequencer beside it."""
    wired = replace(BARE, sites=SITES)
    store: HubStore = PostgresHub(wiring=lambda cursor: wired, keys=lambda site: (b"k" * 32,))
    with sequencing() as sequencer:

        def sequence() -> None:
            catch_up(sequencer)

        with store.transaction():
            for site in SITES:
                store.save_session(SiteSession(site))
        yield HubInTest(store, sequence)


def ids(answers: Sequence[Answer]) -> list[str]:
    """Verdicts, in order."""
    return [str(answer.verdict) for answer in answers]
