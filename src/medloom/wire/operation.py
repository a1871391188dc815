"""An operation: what a party asks for. Immutable bytes, hashed by its author.

It touches one object. Operations that belong together name the same `group` and share one
outcome. The bytes are canonical JSON (see `canonical`); the hub stores and hashes them as they
came and never writes them anew.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

#: Chains of a site, and feeds to a site. Control is served first, always.
CONTROL, VOLUME = "c", "v"
CHAINS = (CONTROL, VOLUME)


# Limits of the envelope. They keep every value within its column and its index: an index row of
# PostgreSQL holds 2,704 bytes, and a source key in Chinese takes three bytes a character.
Name = Annotated[str, Meta(max_length=40)]
Key = Annotated[str, Meta(max_length=120)]
SourceKey = Annotated[str, Meta(max_length=500)]
Text = Annotated[str, Meta(max_length=2_000)]
Version = Annotated[int, Meta(ge=0, lt=2**31)]
Position = Annotated[int, Meta(ge=0, lt=2**53)]


class Kind(StrEnum):
    """What an operation does to its object; the policy of protocol.md follows from it."""

    #: Something that has already happened; union by source identity, corrected, never overwritten.
    OBSERVE = "observe"
    #: Fields set by their owner, or by either side where shared; base 0 creates the object.
    SET = "set"
    #: A state command with its from-state.
    COMMAND = "command"
    #: Bytes the author could not make sense of: always quarantined, so that a person sees them.
    RAW = "raw"


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a value came from: its identity in the author's own system, and its original form.

    `(site, feed, key, hash)` is unique for ever. `was` keeps, for each field that a normalisation
    changed, the original and the rule that changed it: `{"resin_lot": ["712 4 889", "lot"]}`.
    """

    feed: Key
    key: SourceKey
    hash: Key
    #: File, sheet and row, or table and key, for a person to find it again.
    at: Text = ""
    was: dict[str, tuple[Any, str]] = {}


class Operation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One operation. `fields` holds values of exactly one reader set, and never a personal value.

    id          `site/epoch/chain/number` (epoch 32 hex digits, number gapless per chain),
                or a UUIDv7 for the hub's own
    object      UUIDv7 of the object, minted by whoever saw it first
    site        code of the site the object belongs to, when the author is of another one
    base        version of the object the author knew, 0 to create
    hub         hub epoch (its first 8 hex digits) in which `base` and `seen` were given: after a hub is
                restored from a backup, version 5 is another version 5
    at          event time, RFC 3339; `zone` is the IANA zone of the place, `clock` its quality
    actor       opaque id of a person or program at the author's site
    reason      why; required wherever something that stood is changed
    requires    ids of operations that must have taken effect before this one is judged
    seen        feed positions up to which the author had read, by feed
    corrects    the operation whose observation this one replaces
    compensates the operation this one undoes
    repairs     the refused operation this one is the mended form of
    raw         for Kind.RAW: the original text (or base64 of bytes) and why it was not understood
    """

    id: Key
    type: Name
    object: Name
    kind: Kind
    at: Name
    actor: Key
    fields: dict[str, Any] = {}
    site: Name = ""
    schema: Annotated[int, Meta(ge=1, lt=2**15)] = 1
    base: Version = 0
    hub: Name = ""
    zone: Key = "UTC"
    clock: Name = "unknown"
    reason: Text = ""
    source: Source | None = None
    requires: Annotated[tuple[Key, ...], Meta(max_length=200)] = ()
    group: Key = ""
    seen: dict[str, Position] = {}
    corrects: Key = ""
    compensates: Key = ""
    repairs: Key = ""
    raw: dict[str, str] = {}


def hub_label(epoch: str) -> str:
    """How operations name a hub epoch: its first 8 hex digits."""
    return epoch[:8]


def operation_id(*, site: str, epoch: str, chain: str, number: int) -> str:
    """The transport identity of a site's operation."""
    return f"{site}/{epoch}/{chain}/{number}"
