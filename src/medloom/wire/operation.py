"""An operation: what a party asks for. Immutable bytes, hashed by its author.

It touches one object. Operations that belong together name the same `group` and share one
outcome. The bytes are canonical JSON (see `canonical`); the hub stores and hashes them as they
came and never writes them anew.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

#: Chains of a site, and feeds to a site. Control is served first, always.
CONTROL, VOLUME = "c", "v"
CHAINS = (CONTROL, VOLUME)


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

    feed: str
    key: str
    hash: str
    #: File, sheet and row, or table and key, for a person to find it again.
    at: str = ""
    was: dict[str, tuple[Any, str]] = {}


class Operation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One operation. `fields` holds values of exactly one reader set, and never a personal value.

    id          `site/epoch/chain/number` (epoch 32 hex digits, number gapless per chain),
                or a UUIDv7 for the hub's own
    object      UUIDv7 of the object, minted by whoever saw it first
    site        code of the site the object belongs to, when the author is of another one
    base        version of the object the author knew, 0 to create
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

    id: str
    type: str
    object: str
    kind: Kind
    at: str
    actor: str
    fields: dict[str, Any] = {}
    site: str = ""
    schema: int = 1
    base: int = 0
    zone: str = "UTC"
    clock: str = "unknown"
    reason: str = ""
    source: Source | None = None
    requires: tuple[str, ...] = ()
    group: str = ""
    seen: dict[str, int] = {}
    corrects: str = ""
    compensates: str = ""
    repairs: str = ""
    raw: dict[str, str] = {}


def operation_id(*, site: str, epoch: str, chain: str, number: int) -> str:
    """The transport identity of a site's operation."""
    return f"{site}/{epoch}/{chain}/{number}"
