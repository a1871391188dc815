"""A receipt: all that proves one entry to somebody who trusts nobody, checked without the hub.

It holds the operation's bytes, what the hub decided, the way from the entry's leaf to the root of the
log (RFC 9162), and the hub's signature over that root. Whoever keeps a root or the hub's key from
another day can tell a rewritten history from this one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from medloom.wire.chain import entry_hash, operation_hash
from medloom.wire.merkle import leaf_hash, verify_inclusion

FORMAT = "medloom receipt 1"


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log's root at a size, signed by the hub. `hub` is the hub epoch, `at` when it was sealed."""

    hub: str
    size: int
    root: str
    at: str
    key: str
    signature: str


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry with its way to the root. Hashes, salt and keys in hex, the operation in base64."""

    format: str
    seq: int
    verdict: str
    object: str
    version: int
    decision: str
    operation: str
    salt: str
    leaf: str
    index: int
    path: tuple[str, ...]
    head: Head


class ReceiptBroken(ValueError):
    """The file is no receipt; the message says which part."""


@dataclass(frozen=True)
class Check:
    """One step of the check: its name, whether it holds, and what was found."""

    name: str
    holds: bool
    found: str


def head_bytes(*, hub: str, size: int, root: str, at: str) -> bytes:
    """What the hub signs."""
    return f"medloom log 1\n{hub}\n{size}\n{root}\n{at}\n".encode()


def sign_head(key: Ed25519PrivateKey, *, hub: str, size: int, root: bytes, at: str) -> Head:
    """The log's root at that size, signed."""
    signed = key.sign(head_bytes(hub=hub, size=size, root=root.hex(), at=at))
    public = key.public_key().public_bytes_raw().hex()
    return Head(hub, size, root.hex(), at, public, signed.hex())


def read_receipt(text: bytes) -> Receipt:
    """Read a receipt's JSON. Raises ReceiptBroken."""
    try:
        receipt = msgspec.json.decode(text, type=Receipt)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ReceiptBroken(str(error)) from error
    if receipt.format != FORMAT:
        raise ReceiptBroken(f"the format is {receipt.format!r}, this program reads {FORMAT!r}")
    return receipt


def check_receipt(receipt: Receipt, *, key: str = "", root: str = "") -> list[Check]:
    """Recompute everything from the operation's bytes up to the signed root.

    `key` is the hub's public key and `root` the log's root of that size, in hex, as the checker knows
    them from elsewhere; without a key, the one in the receipt shows only that the receipt is whole.
    Raises ReceiptBroken for text that is no hex or base64.
    """
    try:
        operation = operation_hash(base64.b64decode(receipt.operation, validate=True))
        salt, leaf, top = (bytes.fromhex(part) for part in (receipt.salt, receipt.leaf, receipt.head.root))
        path = [bytes.fromhex(step) for step in receipt.path]
        keys = [bytes.fromhex(part) for part in (receipt.head.key, key)]
        signature = bytes.fromhex(receipt.head.signature)
    except (ValueError, binascii.Error) as error:
        raise ReceiptBroken(str(error)) from error
    entry = entry_hash(
        seq=receipt.seq,
        operation=operation,
        verdict=receipt.verdict,
        object=receipt.object,
        version=receipt.version,
        decision=receipt.decision.encode(),
    )
    made = leaf_hash(salt=salt, entry=entry)
    size = receipt.head.size
    checks = [
        Check("leaf", made == leaf, made.hex()),
        Check("path", _leads(made, receipt.index, size, path, top), f"leaf {receipt.index} of {size}"),
        Check("signature", _signed(receipt.head, keys[0], signature), receipt.head.key),
    ]
    if key:
        checks.append(Check("key", keys[0] == keys[1], key))
    if root:
        checks.append(Check("root", root.lower() == receipt.head.root, root))
    return checks


def _leads(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    return verify_inclusion(leaf=leaf, index=index, size=size, proof=path, root=root)


def _signed(head: Head, key: bytes, signature: bytes) -> bool:
    told = head_bytes(hub=head.hub, size=head.size, root=head.root, at=head.at)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, told)
    except (InvalidSignature, ValueError):
        return False
    return True


def receipt_bytes(receipt: Receipt) -> bytes:
    """The receipt as JSON a person can read too."""
    plain: Any = msgspec.to_builtins(receipt)
    return msgspec.json.format(msgspec.json.encode(plain), indent=2)
