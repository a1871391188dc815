"""What a room's admission rule says of one operation, besides what wire/judge.py says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from medloom.wire.operation import Operation
from medloom.wire.verdict import Finding, Refusal, Verdict


class Ruling(msgspec.Struct, frozen=True):
    """Findings for what has happened all the same, or a refusal with `parked` or `rejected`."""

    findings: tuple[Finding, ...] = ()
    refusal: Refusal | None = None
    verdict: Verdict = Verdict.ACCEPTED
    #: For a parked operation: (type, site, key) of what it waits for.
    waits: tuple[tuple[str, str, str], ...] = ()


FINE = Ruling()


def rejected(code: str, path: str, expected: str, got: str = "") -> Ruling:
    """A final no, with what would have been right."""
    refusal = Refusal(code=code, path=path, expected=expected, got=got)
    return Ruling(refusal=refusal, verdict=Verdict.REJECTED)


class Asked(msgspec.Struct, frozen=True):
    """One operation as a room's rule and query see it: canonical values, references by internal number."""

    operation: Operation
    author: str
    home: str
    fields: Mapping[str, Any]
    #: Reference field -> internal number; absent when unknown or new in this very batch.
    refs: Mapping[str, int]
    #: What stands of the object before this operation, by field; empty for a new one.
    current: Mapping[str, Any] = {}
    #: Internal number of the object; 0 while it is new.
    num: int = 0


class Written(msgspec.Struct, frozen=True):
    """One accepted operation as projections and reactions see it, after numbers were drawn."""

    asked: Asked
    num: int
    seq: int
    version: int
    key: str
    refs: Mapping[str, int]
    #: List -> its lines, each reference with its internal number beside it: `lot` and `lot_num`.
    lines: Mapping[str, Sequence[Mapping[str, Any]]]
    findings: tuple[Finding, ...] = ()


#: Rows for other tables of the same transaction: table, columns, COPY-ready values.
Rows = tuple[str, tuple[str, ...], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Alias:
    """How objects of one type are known by another party's name.

    type, field  the object that says so, and its field that holds the other name
    find         (site, other name) -> the object's own names there; several where nobody can tell
    """

    type: str
    field: str
    find: Callable[[Any, Sequence[tuple[str, str]]], Mapping[tuple[str, str], tuple[str, ...]]]


@dataclass(frozen=True)
class Wiring:
    """The tables of hub.py, handed to append as arguments; no signals.

    facts       type -> one declared set-wise query over all operations of that type in the batch
    admission   type -> pure rule over one operation and those facts
    projections type -> rows of other tables that belong to the accepted operations
    reactions   (type, function(written, facts) -> operations); run through append again
    """

    facts: Mapping[str, Callable[[Any, Sequence[Asked]], Any]] = field(default_factory=dict)
    admission: Mapping[str, Callable[[Asked, Any], Ruling]] = field(default_factory=dict)
    projections: Mapping[str, Callable[[Sequence[Written]], Sequence[Rows]]] = field(default_factory=dict)
    effects: Mapping[str, Callable[[Any, Sequence[Written]], None]] = field(default_factory=dict)
    reactions: Sequence[tuple[str, Callable[[Sequence[Written], Any], Sequence[Operation]]]] = ()
    #: What blocks the objects of operations whose reaction failed: it stands in for what would have followed.
    protect: Callable[[Sequence[Written], str], Sequence[Operation]] | None = None
    #: Type -> how its objects are known by another party's name.
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    #: Sites that exist, for routing network-wide objects.
    sites: tuple[str, ...] = ()


BARE = Wiring()
