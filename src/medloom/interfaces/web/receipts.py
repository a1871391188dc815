"""Receipts of records, made for download: what `medloom verify-proof` checks without this hub."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.records import raw_bytes
from medloom.kernel.models import Entry, Hub, Leaf, Seal
from medloom.wire.merkle import Frontier, inclusion_proof
from medloom.wire.receipt import FORMAT, Receipt, sign_head

#: Leaves read at once while the way to the root is made.
CHUNK_LEAVES = 10_000


def hub_key() -> Ed25519PrivateKey:
    """The key that signs the log's root: derived from the installation's secret, so every process has it."""
    seed = hashlib.sha256(b"medloom log key 1\n" + settings.SECRET_KEY.encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key() -> str:
    """The hub's public key in hex: what an auditor notes."""
    return hub_key().public_key().public_bytes_raw().hex()


def receipt_of(entry: Entry) -> Receipt:
    """The receipt of one entry under the newest seal. Raises Problem while it is not sealed yet.

    Reads the whole log once: its cost grows with the log (about 4 s for a million records).
    """
    leaf = Leaf.objects.filter(seq=entry.seq).first()
    seal = Seal.objects.order_by("-id").first()
    if leaf is None or seal is None or leaf.index >= seal.size:
        raise Problem(409, "not_sealed", got=str(entry.seq))
    hub = Hub.objects.order_by("-id").values_list("epoch", flat=True).first()
    head = sign_head(
        hub_key(),
        hub=hub.hex if hub else "",
        size=seal.size,
        root=bytes(seal.root),
        at=seal.at.isoformat(),
    )
    return Receipt(
        format=FORMAT,
        seq=entry.seq,
        verdict=entry.verdict,
        object=str(entry.object or ""),
        version=entry.version,
        decision=entry.decision or "",
        operation=base64.b64encode(raw_bytes(entry)).decode(),
        salt=bytes(leaf.salt).hex(),
        leaf=bytes(leaf.hash).hex(),
        index=leaf.index,
        path=tuple(step.hex() for step in _path(leaf.index, seal.size)),
        head=head,
    )


def _path(index: int, size: int) -> list[bytes]:
    """The way from a leaf to the root: only the subtrees on it are kept while the leaves stream by."""
    wanted: dict[tuple[int, int], bytes] = {}

    def note(level: int, at: int) -> bytes:
        wanted[level, at] = b""
        return b"\x00" * 32

    inclusion_proof(note, index=index, size=size)
    frontier = Frontier()
    leaves = Leaf.objects.filter(index__lt=size).order_by("index").values_list("hash", flat=True)
    for leaf in leaves.iterator(chunk_size=CHUNK_LEAVES):
        for level, at, made in frontier.append(bytes(leaf)):
            if (level, at) in wanted:
                wanted[level, at] = made
    return inclusion_proof(lambda level, at: wanted[level, at], index=index, size=size)
