"""Feed lines: one entry as one site sees it, and how a state is folded from them.

State = fold(feeds). A field takes the value with the highest version, so the two feeds of a site
may be folded in any order, and a snapshot may be a little newer than the position it names.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from medloom.wire.canonical import Malformed, decode_operation, dumps
from medloom.wire.chain import entry_hash, feed_link, operation_hash
from medloom.wire.judge import begun
from medloom.wire.operation import Operation
from medloom.wire.sheet import Head, Sheet
from medloom.wire.verdict import Verdict

#: A site became a reader of the object: the line holds its state; and it ceased to be one.
DISCLOSED, WITHDRAWN = "disclosed", "withdrawn"
#: Largest feed line: an operation and what the hub says about it.
LINE_BYTES_MAX = 262_144


class FeedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a site's feed.

    position  gapless per site and feed; `hub` the hub epoch in which it was given
    id, site  the operation and its author's site; `type`, `object`, `home` what it touches
    verdict   a Verdict, or `disclosed` / `withdrawn`
    cause     sequence number of the first entry of a parked operation that is judged again, or of the
              refused entry that this one repairs
    decision  what the hub adds, canonical JSON as stored and hashed ("" for nothing)
    body      the operation's text; base64 of its bytes where `encoding` says so
    """

    position: int
    hub: str
    seq: int
    id: str
    site: str
    verdict: str
    type: str = ""
    object: str = ""
    home: str = ""
    version: int = 0
    cause: int = 0
    decision: str = ""
    body: str = ""
    encoding: str = ""

    @property
    def raw(self) -> bytes:
        """The operation's bytes as its author hashed them."""
        return base64.b64decode(self.body) if self.encoding == "base64" else self.body.encode()

    def operation(self) -> Operation | None:
        """The operation, or None where the bytes are none."""
        try:
            return decode_operation(self.raw)
        except Malformed:
            return None

    def decided(self) -> dict[str, Any]:
        """The decision's parts: refusal, findings, theirs, before, after."""
        parts: dict[str, Any] = msgspec.json.decode(self.decision) if self.decision else {}
        return parts


_DECODER = msgspec.json.Decoder(FeedLine)


def encode_line(line: FeedLine) -> bytes:
    """One line of a page, as canonical JSON."""
    return dumps(line)


def decode_line(raw: bytes) -> FeedLine:
    """Read one line of a page. Raises Malformed."""
    if len(raw) > LINE_BYTES_MAX:
        raise Malformed("too_large", "", f"{len(raw)} bytes, at most {LINE_BYTES_MAX}")
    try:
        return _DECODER.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed("not_json", "", str(error)) from None


def line_entry(line: FeedLine) -> bytes:
    """The entry hash that the line must have."""
    return entry_hash(
        seq=line.seq,
        operation=operation_hash(line.raw),
        verdict=line.verdict,
        object=line.object,
        version=line.version,
        decision=line.decision.encode(),
    )


def link(head: bytes, line: FeedLine) -> bytes:
    """The chain head after this line."""
    return feed_link(head, position=line.position, hub_epoch=line.hub, entry=line_entry(line))


def changed_values(line: FeedLine) -> dict[str, Any]:
    """What an accepted line set, field by field."""
    after = line.decided().get("after")
    if after is not None:
        return dict(after)
    operation = line.operation()
    return dict(operation.fields) if operation is not None and line.version == 1 else {}


def fold(heads: dict[str, Head], line: FeedLine, sheets: Mapping[str, Sheet]) -> None:
    """Take one line into the heads. Lines of one timeline may come in any order, and twice."""
    if line.verdict == WITHDRAWN:
        heads.pop(line.object, None)
        return
    if line.verdict not in (Verdict.ACCEPTED, DISCLOSED) or not line.object:
        return
    head = heads.get(line.object)
    if head is None:
        head = heads[line.object] = Head(line.object, line.home, version=0)
    stamps = head.changed
    for name, value in _told(line, sheets.get(line.type)).items():
        known = stamps.get(name, 1 if name in head.values else 0)
        if line.version > known or name not in head.values:
            head.values[name] = value
            if line.version > 1:
                stamps[name] = line.version
    if line.version > head.version:
        head.version = line.version
    sheet = sheets.get(line.type)
    lifecycle = sheet.lifecycle if sheet else None
    head.state = str(head.values.get("state", lifecycle.initial if lifecycle else ""))


def _told(line: FeedLine, sheet: Sheet | None) -> dict[str, Any]:
    """What the line set; the first one of an observation also the state in which it began."""
    values = changed_values(line)
    if line.version == 1 and sheet is not None and sheet.lifecycle is not None and sheet.lifecycle.observed:
        operation = line.operation()
        if operation is not None:
            return {**begun(operation.kind, sheet), **values}
    return values
