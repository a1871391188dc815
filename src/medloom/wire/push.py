"""The body of a push: a signed header line, then one operation a line, exactly as its author hashed it.

A line that cannot be read is data: it is quarantined under its number, with its bytes. Only a
broken header, a wrong count or a body beyond the limits is an error of the whole push.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.wire.canonical import LINE_BYTES_MAX, Malformed, decode_operation, dumps, loads
from medloom.wire.chain import operation_hash, operations_head
from medloom.wire.operation import Operation, operation_id
from medloom.wire.signature import public_key

OPERATIONS_MAX = 2_000
BODY_BYTES_MAX = 4 * 1024 * 1024
HEADER_BYTES_MAX = 4_096


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line of a push.

    first and count give the numbers of the operations that follow; `head` (hex) is the chain
    head after the last of them; `signature` (hex) is the site's Ed25519 signature over `to_sign`.
    """

    site: str
    epoch: str
    chain: str
    first: int
    count: int
    head: str
    signature: str = ""

    def to_sign(self) -> bytes:
        """The bytes that the site signs: one signature over the chain head proves every operation."""
        return (
            f"medloom push 1\n{self.site}\n{self.epoch}\n{self.chain}\n"
            f"{self.first}\n{self.count}\n{self.head}\n"
        ).encode()


class Line(msgspec.Struct, frozen=True):
    """One line of a push: its number, its bytes and their hash; and the operation, or why it is none."""

    number: int
    raw: bytes
    hash: bytes
    operation: Operation | None
    malformed: Malformed | None = None


class Push(msgspec.Struct, frozen=True):
    """A push that could be taken apart; its signature and its chain are still to be checked."""

    header: Header
    lines: tuple[Line, ...]


class PushBroken(ValueError):
    """The push as a whole cannot be taken: `status` is 400 or 413, `code` is stable."""

    def __init__(self, code: str, detail: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = status


def build_push(
    *,
    site: str,
    epoch: str,
    chain: str,
    first: int,
    before: bytes,
    raws: Sequence[bytes],
    key: Ed25519PrivateKey,
) -> bytes:
    """The body for the operations numbered from `first`; `before` is the chain head before them."""
    head = operations_head(before, first=first, hashes=map(operation_hash, raws))
    header = Header(site=site, epoch=epoch, chain=chain, first=first, count=len(raws), head=head.hex())
    signed = msgspec.structs.replace(header, signature=key.sign(header.to_sign()).hex())
    return b"\n".join((dumps(signed), *raws, b""))


def parse_push(body: bytes) -> Push:
    """Take a push apart. Raises PushBroken; a line that is no operation raises nothing."""
    if len(body) > BODY_BYTES_MAX:
        raise PushBroken("push_too_large", f"{len(body)} bytes, at most {BODY_BYTES_MAX}", status=413)
    first_line, _, rest = body.partition(b"\n")
    header = _header(first_line)
    # Counted before it is split: four million empty lines would make a list of 32 MiB.
    if (lines := rest.count(b"\n")) > header.count:
        raise PushBroken("count_differs", f"the header says {header.count}, there are {lines} lines or more")
    raws = rest.split(b"\n")
    if raws[-1] == b"":
        raws.pop()
    if len(raws) != header.count:
        raise PushBroken("count_differs", f"the header says {header.count}, there are {len(raws)} lines")
    return Push(header, tuple(_line(header, header.first + at, raw) for at, raw in enumerate(raws)))


def _header(raw: bytes) -> Header:
    try:
        header = msgspec.convert(loads(raw, bytes_max=HEADER_BYTES_MAX, depth_max=2), Header)
        bytes.fromhex(header.signature), bytes.fromhex(header.head)
    except Malformed as error:
        raise PushBroken("header_broken", f"{error.code} {error.detail}") from None
    except (msgspec.ValidationError, ValueError) as error:
        raise PushBroken("header_broken", str(error)) from None
    if not 1 <= header.count <= OPERATIONS_MAX:
        status = 413 if header.count > OPERATIONS_MAX else 400
        raise PushBroken("count_out_of_range", f"{header.count}, 1 to {OPERATIONS_MAX}", status=status)
    if header.first < 1 or len(bytes.fromhex(header.head)) != 32:
        raise PushBroken("header_broken", "first number or chain head out of range")
    if len(header.epoch) != 32 or header.epoch.strip("0123456789abcdef") or header.chain not in ("c", "v"):
        raise PushBroken("header_broken", "epoch or chain is not one")
    return header


def _line(header: Header, number: int, raw: bytes) -> Line:
    wanted = operation_id(site=header.site, epoch=header.epoch, chain=header.chain, number=number)
    digest = operation_hash(raw)
    try:
        operation = decode_operation(raw)
    except Malformed as error:
        return Line(number, raw, digest, None, error)
    if operation.id != wanted:
        return Line(number, raw, digest, None, Malformed("id_differs", "/id", f"expected {wanted}"))
    return Line(number, raw, digest, operation)


def check_signature(header: Header, key: bytes) -> bool:
    """Whether the site's key (32 raw bytes) signed this header."""
    try:
        public_key(key).verify(bytes.fromhex(header.signature), header.to_sign())
    except (InvalidSignature, ValueError):
        return False
    return True


def split_push(raws: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Cut a backlog into parts that each fit one push. Lines are at most 64 KiB each, as encoded."""
    parts: list[Sequence[bytes]] = []
    start, size = 0, HEADER_BYTES_MAX
    for at, raw in enumerate(raws):
        if at > start and (at - start >= OPERATIONS_MAX or size + len(raw) + 1 > BODY_BYTES_MAX):
            parts.append(raws[start:at])
            start, size = at, HEADER_BYTES_MAX
        size += min(len(raw), LINE_BYTES_MAX) + 1
    if start < len(raws):
        parts.append(raws[start:])
    return parts
