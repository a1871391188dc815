"""What the agent keeps beside its operations: source identities, bindings, shadows, what is still to deliver.

source  feed/key -> what was last seen of that row, and every content of it that was ever sent
bound   type/natural key -> object
dirty   object -> type: the hub decided something about it that its plant row may not show yet
file    digest -> name of a file that was read to its end
poll    feed -> highest modification time read of a table
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from medloom.wire.feed import FeedLine, changed_values
from medloom.wire.messages import SnapshotRow
from medloom.wire.operation import Kind, hub_label
from medloom.wire.sheet import Sheet
from medloom.wire.stores import SiteStore
from medloom.wire.verdict import Verdict

SOURCE, BOUND, DIRTY, FILE, POLL = "source", "bound", "dirty", "file", "poll"
#: Contents remembered of one row; older ones are answered by the hub.
HASHES_MAX = 50


class Shadow(msgspec.Struct, omit_defaults=True):
    """One plant row as the agent last saw it in the plant's own system.

    hashes    every content sent for it, the latest last
    object    the object it speaks of
    id        operation that told its latest content
    fields    field -> value last seen there (wire form)
    versions  field -> version of the value last seen or written there; 0 while the hub has not said
    hub       hub epoch label of those versions
    """

    object: str
    id: str = ""
    hashes: list[str] = []
    fields: dict[str, Any] = {}
    versions: dict[str, int] = {}
    hub: str = ""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Shadow)


def source_name(feed: str, key: str) -> str:
    """The name of a row among all feeds."""
    return f"{feed}/{key}"


def read_shadow(store: SiteStore, name: str) -> Shadow | None:
    """What was last seen of that row; None for a row never seen."""
    kept = store.get(SOURCE, name)
    return _DECODER.decode(kept) if kept is not None else None


def shadow_bytes(shadow: Shadow) -> bytes:
    """The shadow as it is kept."""
    shadow.hashes = shadow.hashes[-HASHES_MAX:]
    return _ENCODER.encode(shadow)


def natural_key(sheet: Sheet, fields: Mapping[str, Any]) -> str | None:
    """The natural key that these values make, or None when a part is missing."""
    parts = [fields.get(name) for name in sheet.natural_key]
    if not parts or any(part is None for part in parts):
        return None
    return "/".join(str(part) for part in parts)


class NotingStore:
    """A site's store that also notes, in the same transaction, what its feeds bring.

    Whatever the hub decides is thereby bound to its natural key and marked for delivery at once: a
    crash between taking a line and noting it cannot happen.
    """

    def __init__(
        self, inner: SiteStore, sheets: Mapping[str, Sheet], *, site: str, wanted: frozenset[str]
    ) -> None:
        self._inner = inner
        self._site = site
        self._sheets = sheets
        self._wanted = wanted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def take(self, feed: str, lines: Sequence[FeedLine], heads: Sequence[str]) -> None:
        """Store lines as the inner store does, and note them."""
        self._inner.take(feed, lines, heads)
        bound, dirty = {}, {}
        for line in lines:
            if line.site == self._site and line.verdict == Verdict.ACCEPTED:
                self._learn(line)
            if line.type in self._wanted and line.object:
                dirty[line.object] = line.type.encode()
            if line.version != 1 and line.verdict != "disclosed":
                continue
            sheet = self._sheets.get(line.type)
            key = natural_key(sheet, changed_values(line)) if sheet is not None else None
            if key is not None:
                bound[f"{line.type}/{key}"] = line.object.encode()
        if bound:
            self._inner.put(BOUND, bound)
        if dirty:
            self._inner.put(DIRTY, dirty)

    def _learn(self, line: FeedLine) -> None:
        """The site's own edit took effect: the version it got is what the plant's row shows now."""
        operation = line.operation()
        if operation is None or operation.kind is not Kind.SET or operation.source is None:
            return
        name = source_name(operation.source.feed, operation.source.key)
        shadow = read_shadow(self, name)  # type: ignore[arg-type]
        label = hub_label(line.hub)
        if shadow is None or (shadow.versions and shadow.hub != label):
            return
        shadow.hub = label
        for field, value in operation.fields.items():
            if shadow.fields.get(field) == value:
                shadow.versions[field] = line.version
        self._inner.put(SOURCE, {name: shadow_bytes(shadow)})

    def set_heads(self, rows: Sequence[SnapshotRow]) -> None:
        """Take a snapshot as the inner store does, and note it."""
        self._inner.set_heads(rows)
        bound, dirty = {}, {}
        for row in rows:
            sheet = self._sheets.get(row.type)
            key = natural_key(sheet, row.head.values) if sheet is not None else None
            if key is not None:
                bound[f"{row.type}/{key}"] = row.head.object.encode()
            if row.type in self._wanted:
                dirty[row.head.object] = row.type.encode()
        if bound:
            self._inner.put(BOUND, bound)
        if dirty:
            self._inner.put(DIRTY, dirty)
