"""The Merkle log (RFC 9162 section 2): one root that proves every entry, and short proofs to check it.

Leaves are salted, so that a proof shows nothing of its neighbours. The log itself is kept as the
hashes of its complete subtrees; the caller stores them and hands them in through `Nodes`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_sha256 = hashlib.sha256

#: Gives the hash of the complete subtree at (level, index): level 0 are the leaves.
Nodes = Callable[[int, int], bytes]
#: The root of a log without entries.
EMPTY_ROOT = _sha256(b"").digest()
#: Complete subtrees of this level and above are kept beside the leaves: a path to the root then takes a few
#: rows and at most 256 leaves, however long the log is, and they are less than one row to 127 leaves.
KEPT_LEVEL = 8
#: Salt of one leaf, random, kept apart from the entries.
SALT_BYTES = 16


def leaf_hash(*, salt: bytes, entry: bytes) -> bytes:
    """H(0x00 || salt || entry hash). Without the salt nobody can guess a neighbour from a proof."""
    return _sha256(b"\x00" + salt + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """H(0x01 || left || right)."""
    return _sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The right edge of a growing log: all a sequencer needs to go on, about log2(size) hashes.

    `peaks` are the roots of the complete subtrees, largest first.
    """

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add one leaf; returns the complete subtrees this makes, as (level, index, hash) to store."""
        made = [(0, self.size, leaf)]
        level, index, top = 0, self.size, leaf
        while index & 1:
            top = node_hash(self.peaks.pop(), top)
            level, index = level + 1, index >> 1
            made.append((level, index, top))
        self.peaks.append(top)
        self.size += 1
        return made

    def root(self) -> bytes:
        """The root over everything appended so far."""
        if not self.peaks:
            return EMPTY_ROOT
        top = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            top = node_hash(peak, top)
        return top


def root_over(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaves alone."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


class MemoryNodes:
    """Complete subtrees held in memory: for tests, the verifier and small logs."""

    def __init__(self) -> None:
        self.frontier = Frontier()
        self._nodes: dict[tuple[int, int], bytes] = {}

    def append(self, leaf: bytes) -> None:
        """Add one leaf."""
        for level, index, made in self.frontier.append(leaf):
            self._nodes[level, index] = made

    def __call__(self, level: int, index: int) -> bytes:
        """The hash of one complete subtree; KeyError if it is not complete."""
        return self._nodes[level, index]


def _subtree(nodes: Nodes, first: int, size: int) -> bytes:
    """The hash over `size` leaves from `first`; `first` is a multiple of the next power of two."""
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes(level, first >> level)
    left = _split(size)
    return node_hash(_subtree(nodes, first, left), _subtree(nodes, first + left, size - left))


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def root_at(nodes: Nodes, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return _subtree(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, *, index: int, size: int) -> list[bytes]:
    """The path from leaf `index` to the root of the first `size` leaves. Raises ValueError out of range."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not among the first {size}")
    proof: list[bytes] = []
    first = 0
    while size > 1:
        left = _split(size)
        if index < left:
            proof.append(_subtree(nodes, first + left, size - left))
            size = left
        else:
            proof.append(_subtree(nodes, first, left))
            first, index, size = first + left, index - left, size - left
    return proof[::-1]


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` stands at `index` of the log of `size` leaves with that root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, top = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            top = node_hash(step, top)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            top = node_hash(top, step)
        at, last = at >> 1, last >> 1
    return last == 0 and top == root


def consistency_proof(nodes: Nodes, *, old: int, new: int) -> list[bytes]:
    """Hashes that prove the first `old` leaves unchanged in the log of `new`. Raises ValueError."""
    if not 0 < old <= new:
        raise ValueError(f"{old} is not between 1 and {new}")
    proof: list[bytes] = []
    first, size, whole = 0, new, True
    while old != size:
        left = _split(size)
        if old <= left:
            proof.append(_subtree(nodes, first + left, size - left))
            size = left
        else:
            proof.append(_subtree(nodes, first, left))
            first, old, size, whole = first + left, old - left, size - left, False
    if not whole:
        proof.append(_subtree(nodes, first, size))
    return proof[::-1]


def verify_consistency(
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the log of `new` leaves begins with the log of `old` leaves (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    top_old = top_new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            top_old, top_new = node_hash(step, top_old), node_hash(step, top_new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            top_new = node_hash(top_new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and top_old == old_root and top_new == new_root
