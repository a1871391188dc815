"""The fact sheet of an object type, as far as judging an operation needs it.

The kernel makes one from each model; the simulator writes its own. Ownership is at once the
access rule (who may write), the conflict rule (whose value stands) and a row of the data map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec

from medloom.wire.operation import Kind


class Owner(StrEnum):
    """Who decides a field's value."""

    REGISTRANT = "registrant"
    SITE = "site"
    SHARED = "shared"


@dataclass(frozen=True)
class Step:
    """One legal state command: its name, the states it may start from, where it leads, who may give it."""

    name: str
    source: tuple[str, ...]
    target: str
    owner: Owner = Owner.SHARED


@dataclass(frozen=True)
class Lifecycle:
    """A state machine. Everything not listed is illegal (21 CFR 11.10(f)).

    observed  where an object begins that a plant tells of as of a fact, or only mentions: nobody has
              asked for it here. "" where that is the initial state too
    """

    initial: str
    steps: tuple[Step, ...]
    observed: str = ""

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, the initial one first, in the order of the steps."""
        seen = dict.fromkeys(self.begins(kind) for kind in (Kind.SET, Kind.OBSERVE))
        for step in self.steps:
            seen.update(dict.fromkeys((*step.source, step.target)))
        return tuple(seen)

    def begins(self, kind: Kind) -> str:
        """The state of an object that an operation of this kind brings into being."""
        return self.observed if self.observed and kind is Kind.OBSERVE else self.initial

    def step(self, name: str) -> Step | None:
        """The step of that name, or None."""
        return next((s for s in self.steps if s.name == name), None)

    def legal(self, state: str) -> tuple[str, ...]:
        """The commands that may be given in `state`."""
        return tuple(s.name for s in self.steps if state in s.source)


@dataclass(frozen=True)
class Sheet:
    """What is true of every object of one type.

    kinds     which kinds of operation it takes
    owner     default owner of its fields; `owners` names the exceptions
    groups    field -> owner group, for fields that are stale together (a value and its unit)
    safety    a hold or block: anyone may raise it, and it wins any race
    balance   field whose value is a sum of moves: `(balance key fields, quantity field)`
    site_scoped  the natural key is unique per site, not in the whole network
    chain     the chain its operations travel on
    """

    type: str
    kinds: frozenset[Kind]
    owner: Owner = Owner.SITE
    owners: Mapping[str, Owner] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    lifecycle: Lifecycle | None = None
    safety: bool = False
    site_scoped: bool = True
    natural_key: tuple[str, ...] = ()
    chain: str = "v"

    def owner_of(self, name: str) -> Owner:
        """Who owns the field."""
        return self.owners.get(name, self.owner)

    def group_of(self, name: str) -> str:
        """The unit in which staleness is counted: the field itself unless it belongs to a group."""
        return self.groups.get(name, name)


@dataclass(frozen=True, slots=True)
class Basis:
    """What an author knew of an object: everything up to `version`, and the versions in `also`.

    Normally just the operation's base. Only after a hub was restored does `also` hold anything:
    the new versions of changes that the author had seen before they were lost and handed back.
    """

    version: int
    also: frozenset[int] = frozenset()


class Head(msgspec.Struct):
    """What stands now of one object: its version, and for each field the version that last changed it.

    `changed` lists only fields changed after the creation; every other field dates from version 1.
    `site` is the site the object belongs to ("" for the registrant's own).
    """

    object: str
    site: str
    version: int = 0
    state: str = ""
    changed: dict[str, int] = {}
    values: dict[str, Any] = {}
