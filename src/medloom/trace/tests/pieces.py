"""What a scope means, as ordinary sets of pieces: the oracle that scopes are compared with. Pure.

It shares nothing with `trace.scopes`: no ranges, no parts of lots, no walk by levels. A lot is the set of
its records' pieces, joining is Python's own, and the genealogy is gone through until nothing is new.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

#: ("record", its place) for the devices of a record, ("loose", lot) for pieces without a number.
Piece = tuple[str, Hashable]
Pieces = frozenset[Piece]


@dataclass(frozen=True)
class Meant:
    """What is surely meant and what may be, as ordinary sets: a record's devices, a lot's loose pieces.

    A record that does not say how many pieces it made has no devices of its own: its pieces are the lot's
    loose ones, and whether they are those of another such record nobody knows.
    """

    sure: Pieces = frozenset()
    may: Pieces = frozenset()

    def __or__(self, other: Meant) -> Meant:
        return Meant(self.sure | other.sure, self.may | other.may)

    def __and__(self, other: Meant) -> Meant:
        return Meant(self.sure & other.sure, self.may & other.may)

    def __sub__(self, other: Meant) -> Meant:
        return Meant(self.sure - other.may, self.may - other.sure)


JOINED: dict[str, Callable[[Meant, Meant], Meant]] = {
    "or": operator.or_, "and": operator.and_, "except": operator.sub,
}  # fmt: skip


class Record(Protocol):
    """One record of the genealogy."""

    @property
    def inputs(self) -> Sequence[Hashable]:
        """The lots that went in."""

    @property
    def output(self) -> Hashable | None:
        """The lot made; None where it is not named."""

    @property
    def good(self) -> int | None:
        """How many good pieces; None where it does not say."""


@dataclass(frozen=True)
class House:
    """The records of one example, and what can be said of them without a database.

    ways    (lot, lot made of it) that no record says: deliveries between plants, two spellings of one lot
    booked  pieces that moves or receipts say a lot has
    """

    records: Sequence[Record]
    ways: Set[tuple[Hashable, Hashable]] = frozenset()
    booked: Mapping[Hashable, Decimal] = field(default_factory=dict)

    def of_lot(self, lot: Hashable) -> Pieces:
        """Everything that a lot consists of."""
        made = [(at, record) for at, record in enumerate(self.records) if record.output == lot]
        counted: set[Piece] = {("record", at) for at, record in made if record.good is not None}
        return frozenset(counted | ({("loose", lot)} if self.has_loose(lot) else set()))

    def has_loose(self, lot: Hashable) -> bool:
        """Whether it has pieces without a number: nobody counted them, or more was booked than counted."""
        counts = [record.good for record in self.records if record.output == lot]
        if not counts or None in counts:
            return True
        return self.booked.get(lot, Decimal(0)) > sum(good or 0 for good in counts)

    def lot_of(self, piece: Piece) -> Hashable:
        """Whose piece it is."""
        kind, of = piece
        return of if kind == "loose" else self.records[of].output  # type: ignore[call-overload]

    def of_lots(self, lots: Iterable[Hashable]) -> Meant:
        """These lots, whole."""
        whole = frozenset(piece for lot in lots for piece in self.of_lot(lot))
        return Meant(whole, whole)

    def of_records(self, fit: Set[int]) -> Meant:
        """What these records made."""
        fit = {at for at in fit if self.records[at].output is not None}
        counted: Pieces = frozenset(("record", at) for at in fit if self.records[at].good is not None)
        vague = {at for at, record in enumerate(self.records) if record.good is None}
        loose = {self.records[at].output for at in fit & vague}
        all_of = {lot for lot in loose if {at for at in vague if self.records[at].output == lot} <= fit}
        return Meant(
            counted | frozenset(("loose", lot) for lot in all_of),
            counted | frozenset(("loose", lot) for lot in loose),
        )

    def lots_of(self, meant: Meant) -> set[Hashable]:
        """The lots of which something may be meant."""
        return {self.lot_of(piece) for piece in meant.may}

    def edges(self) -> set[tuple[Hashable, Hashable]]:
        """(lot, lot made of it)."""
        told = {
            (lot, record.output)
            for record in self.records
            for lot in record.inputs
            if record.output is not None
        }
        return {(lot, of) for lot, of in told | self.ways if lot != of}

    def walk(self, way: str, begun: Meant) -> Meant:
        """Worked out by going through all edges again and again until nothing is new."""
        edges = self.edges() if way != "origin" else {(of, lot) for lot, of in self.edges()}
        reached = self.lots_of(begun)
        if way == "used_in":
            return self.of_lots({of for lot, of in edges if lot in reached})
        whole: set[Hashable] = set()
        while True:
            fresh = {of for lot, of in edges if lot in reached}
            if fresh <= whole:
                return begun | self.of_lots(whole)
            whole |= fresh
            reached |= fresh

    def told(self, meant: Meant) -> dict[Hashable, tuple[str, dict[int, int]]]:
        """Lot -> what of it is meant in one word, and its records with so many devices."""
        found = {}
        for lot in self.lots_of(meant):
            whole = self.of_lot(lot)
            mine = meant.may & whole
            word = "whole" if mine == whole and mine & meant.sure == whole else "part"
            if word == "part" and ("loose", lot) in mine:
                vague = any(record.output == lot and record.good is None for record in self.records)
                word = "uncounted" if vague else "unrecorded"
            counted = {at: self.records[at].good or 0 for kind, at in mine if kind == "record"}  # type: ignore[call-overload]
            found[lot] = (word, {at: good for at, good in counted.items() if good})
        return found
