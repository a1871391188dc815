"""Hash chains: one short value that stands for everything before it, in its order.

A site chains the operations it authors, the hub chains the lines of each feed. Whoever holds
the head of a chain notices any line that was changed, left out, added or moved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from medloom.wire.canonical import dumps

#: Bytes of every hash here (SHA-256).
HASH_BYTES = 32
_sha256 = hashlib.sha256


def operation_hash(raw: bytes) -> bytes:
    """The hash of one operation: of exactly its bytes as received, readable or not."""
    return _sha256(raw).digest()


def operations_start(*, site: str, epoch: str, chain: str) -> bytes:
    """The head of a site's chain before its first operation."""
    return _sha256(f"medloom operations 1\n{site}\n{epoch}\n{chain}".encode()).digest()


def operations_head(head: bytes, *, first: int, hashes: Iterable[bytes]) -> bytes:
    """The head after the operations numbered from `first`, whose hashes are given in order."""
    number = first
    for each in hashes:
        head = _sha256(head + number.to_bytes(8, "big") + each).digest()
        number += 1
    return head


def feed_start(*, site: str, feed: str) -> bytes:
    """The head of a feed before its first line."""
    return _sha256(f"medloom feed 1\n{site}\n{feed}".encode()).digest()


def feed_link(head: bytes, *, position: int, hub_epoch: str, entry: bytes) -> bytes:
    """chain_p = H(chain_{p-1} || p || hub epoch || entry hash); `hub_epoch` is 32 hex digits."""
    return _sha256(head + position.to_bytes(8, "big") + bytes.fromhex(hub_epoch) + entry).digest()


def feed_heads(head: bytes, *, first: int, hub_epoch: str, entries: Sequence[bytes]) -> list[bytes]:
    """The head after each of the lines from position `first`: what a sequencer writes in one go."""
    epoch = bytes.fromhex(hub_epoch)
    heads = []
    position = first
    for entry in entries:
        head = _sha256(head + position.to_bytes(8, "big") + epoch + entry).digest()
        heads.append(head)
        position += 1
    return heads


def entry_hash(
    *, seq: int, operation: bytes, verdict: str, object: str, version: int, decision: bytes
) -> bytes:
    """What the hub is held to: the operation's hash, its verdict, the object's version, the decision.

    `operation` is the operation's hash; `decision` the entry's decision text as it is stored (see
    `decision_text`). `seq` makes the hash unique, so that a parked operation's two entries differ.
    """
    head = f"medloom entry 1\n{seq}\n{verdict}\n{object}\n{version}\n".encode()
    return _sha256(head + operation + decision).digest()


def decision_text(
    *,
    refusal: dict[str, Any] | None = None,
    findings: Sequence[dict[str, Any]] = (),
    theirs: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> str:
    """Canonical JSON of what an entry adds to its operation; "" when that is nothing.

    `before` and `after` hold the changed fields of an accepted update; a creation has neither,
    since its operation's fields are what it made.
    """
    parts = {
        "refusal": refusal,
        "findings": list(findings),
        "theirs": theirs,
        "before": before,
        "after": after,
    }
    kept = {name: part for name, part in parts.items() if part}
    return dumps(kept).decode() if kept else ""
