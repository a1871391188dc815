"""Receipts: what is whole holds, and every single change is noticed."""

from __future__ import annotations

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.wire.chain import entry_hash, operation_hash
from medloom.wire.merkle import MemoryNodes, inclusion_proof, leaf_hash, root_at
from medloom.wire.receipt import (
    FORMAT,
    Receipt,
    ReceiptBroken,
    check_receipt,
    read_receipt,
    receipt_bytes,
    sign_head,
)

pytestmark = pytest.mark.pure

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
SIZE = 11


def make(index: int = 4) -> Receipt:
    """A receipt out of a log of eleven entries."""
    log = MemoryNodes()
    leaves = []
    for n in range(SIZE):
        digest = entry_hash(
            seq=n + 1,
            operation=operation_hash(f"operation {n}".encode()),
            verdict="accepted",
            object=f"object {n}",
            version=1,
            decision=b"",
        )
        leaves.append(leaf_hash(salt=bytes([n] * 16), entry=digest))
        log.append(leaves[-1])
    path = inclusion_proof(log, index=index, size=SIZE)
    head = sign_head(KEY, hub="a" * 32, size=SIZE, root=root_at(log, SIZE), at="2026-11-23T09:00:00+00:00")
    return Receipt(
        format=FORMAT,
        seq=index + 1,
        verdict="accepted",
        object=f"object {index}",
        version=1,
        decision="",
        operation=base64.b64encode(f"operation {index}".encode()).decode(),
        salt=(bytes([index] * 16)).hex(),
        leaf=leaves[index].hex(),
        index=index,
        path=tuple(step.hex() for step in path),
        head=head,
    )


def holds(receipt: Receipt, **known: str) -> bool:
    return all(check.holds for check in check_receipt(receipt, **known))


@pytest.mark.parametrize("index", range(SIZE))
def test_every_entry_of_a_log_has_a_receipt_that_holds(index: int) -> None:
    receipt = read_receipt(receipt_bytes(make(index)))
    assert receipt == make(index)
    assert holds(receipt, key=receipt.head.key, root=receipt.head.root)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seq", 6),
        ("verdict", "rejected"),
        ("object", "object 5"),
        ("version", 2),
        ("decision", "{}"),
        ("operation", base64.b64encode(b"operation 5").decode()),
        ("salt", "00" * 16),
        ("leaf", "00" * 32),
        ("index", 5),
        ("path", ()),
    ],
)
def test_a_changed_part_is_noticed(field: str, value: object) -> None:
    assert not holds(msgspec.structs.replace(make(), **{field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hub", "b" * 32),
        ("size", 12),
        ("root", "00" * 32),
        ("at", "2026-11-24T09:00:00+00:00"),
        ("key", OTHER.public_key().public_bytes_raw().hex()),
        ("signature", "00" * 64),
    ],
)
def test_a_changed_head_is_noticed(field: str, value: object) -> None:
    receipt = make()
    assert not holds(
        msgspec.structs.replace(receipt, head=msgspec.structs.replace(receipt.head, **{field: value}))
    )


def test_a_head_signed_by_another_key_holds_only_for_whoever_knows_no_key() -> None:
    receipt = make()
    head = receipt.head
    forged = sign_head(OTHER, hub=head.hub, size=head.size, root=bytes.fromhex(head.root), at=head.at)
    other = msgspec.structs.replace(receipt, head=forged)
    assert holds(other)
    assert not holds(other, key=head.key)
    assert not holds(receipt, root="00" * 32)


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b"\xff", receipt_bytes(make()).replace(b"receipt 1", b"receipt 9")],
)
def test_what_is_no_receipt_is_refused(text: bytes) -> None:
    with pytest.raises(ReceiptBroken):
        read_receipt(text)


@pytest.mark.parametrize("field", ["operation", "salt", "leaf"])
def test_text_that_is_no_hex_is_refused(field: str) -> None:
    with pytest.raises(ReceiptBroken):
        check_receipt(msgspec.structs.replace(make(), **{field: "no hex!"}))
