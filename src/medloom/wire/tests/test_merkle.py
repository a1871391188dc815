"""The Merkle log against a plain recursive reading of RFC 9162, and forged proofs against it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medloom.wire.merkle import (
    EMPTY_ROOT,
    MemoryNodes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
    verify_consistency,
    verify_inclusion,
)

pytestmark = pytest.mark.pure
SIZE_MAX = 70


def _leaf(n: int) -> bytes:
    return leaf_hash(salt=bytes([n]) * 16, entry=hashlib.sha256(bytes([n])).digest())


def _plain_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + _plain_root(leaves[:k]) + _plain_root(leaves[k:])).digest()


LOG = MemoryNodes()
LEAVES = [_leaf(n) for n in range(SIZE_MAX)]
ROOTS = [EMPTY_ROOT]
for _each in LEAVES:
    LOG.append(_each)
    ROOTS.append(LOG.frontier.root())


def test_every_root_is_the_one_of_the_rfc() -> None:
    for size in range(SIZE_MAX + 1):
        assert ROOTS[size] == _plain_root(LEAVES[:size]) == root_at(LOG, size)


def test_every_leaf_is_proven_in_every_size() -> None:
    for size in range(1, SIZE_MAX):
        for index in range(size):
            proof = inclusion_proof(LOG, index=index, size=size)
            assert verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof, root=ROOTS[size])


def test_every_size_continues_every_smaller_one() -> None:
    for new in range(1, SIZE_MAX):
        for old in range(1, new + 1):
            proof = consistency_proof(LOG, old=old, new=new)
            assert verify_consistency(old=old, new=new, old_root=ROOTS[old], new_root=ROOTS[new], proof=proof)


@given(st.data())
def test_a_forged_inclusion_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, SIZE_MAX))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, SIZE_MAX - 1).filter(lambda n: n != index))
    proof = inclusion_proof(LOG, index=index, size=size)
    root = ROOTS[size]
    assert not verify_inclusion(leaf=LEAVES[other], index=index, size=size, proof=proof, root=root)
    assert not verify_inclusion(leaf=LEAVES[index], index=other, size=size, proof=proof, root=root)
    assert not verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof[1:], root=root)
    assert not verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=[*proof, root], root=root)


@given(st.data())
def test_a_rewritten_history_is_refused(data: st.DataObject) -> None:
    old = data.draw(st.integers(1, SIZE_MAX - 1))
    new = data.draw(st.integers(old + 1, SIZE_MAX))
    altered = data.draw(st.integers(0, old - 1))
    rewritten = MemoryNodes()
    for n, leaf in enumerate(LEAVES[:new]):
        rewritten.append(leaf if n != altered else _leaf(SIZE_MAX + 1))
    proof = consistency_proof(rewritten, old=old, new=new)
    new_root = rewritten.frontier.root()
    assert not verify_consistency(old=old, new=new, old_root=ROOTS[old], new_root=new_root, proof=proof)
    longer = [*consistency_proof(LOG, old=old, new=new), new_root]
    assert not verify_consistency(old=old, new=new, old_root=ROOTS[old], new_root=ROOTS[new], proof=longer)


def test_out_of_range_is_said() -> None:
    with pytest.raises(ValueError, match="not among"):
        inclusion_proof(LOG, index=3, size=3)
    with pytest.raises(ValueError, match="not between"):
        consistency_proof(LOG, old=0, new=3)
    assert not verify_inclusion(leaf=LEAVES[0], index=0, size=0, proof=[], root=EMPTY_ROOT)
