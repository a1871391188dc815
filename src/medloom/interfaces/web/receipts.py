"""Receipts of records, made for download: what `medloom verify-proof` checks without this hub."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db.models import Q

from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.records import raw_bytes
from medloom.kernel.models import Entry, Hub, Leaf, Seal, Subtree
from medloom.wire.merkle import KEPT_LEVEL, inclusion_proof, root_over
from medloom.wire.receipt import FORMAT, Receipt, sign_head


def hub_key() -> Ed25519PrivateKey:
    """The key that signs the log's root: derived from the installation's secret, so every process has it."""
    seed = hashlib.sha256(b"medloom log key 1\n" + settings.SECRET_KEY.encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key() -> str:
    """The hub's public key in hex: what an auditor notes."""
    return hub_key().public_key().public_bytes_raw().hex()


def receipt_of(entry: Entry) -> Receipt:
    """The receipt of one entry under the newest seal. Raises Problem while it is not sealed yet.

    Reads some twenty kept subtrees and a few hundred leaves, however long the log is.
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
    """The way from a leaf to the root: the subtrees on it that are kept, the lower ones from their leaves."""
    wanted: set[tuple[int, int]] = set()

    def note(level: int, at: int) -> bytes:
        wanted.add((level, at))
        return b""

    inclusion_proof(note, index=index, size=size)
    kept, low = Q(), Q()
    for level, at in wanted:
        if level >= KEPT_LEVEL:
            kept |= Q(level=level, index=at)
        else:
            low |= Q(index__gte=at << level, index__lt=(at + 1) << level)
    found = {(row.level, row.index): bytes(row.hash) for row in Subtree.objects.filter(kept)} if kept else {}
    leaves = dict(Leaf.objects.filter(low).values_list("index", "hash")) if low else {}

    def node(level: int, at: int) -> bytes:
        if level >= KEPT_LEVEL:
            return found[level, at]
        return root_over([bytes(leaves[each]) for each in range(at << level, (at + 1) << level)])

    return inclusion_proof(node, index=index, size=size)
