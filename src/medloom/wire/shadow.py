"""The shadow of a plant's row: what was last seen there, and which versions the row shows.

An edit is a difference between row and shadow. Its base is the version in the shadow, never the
newest one pulled: the person at the plant saw the row, not the hub. Pure; the caller reads and writes
the plant's table and keeps shadows in its store.

Order of a write-back, so that a crash at any point loses nothing and echoes nothing:

1. in the plant's transaction: read the row again, for update; `observe` it;
2. an edit found: store it as an operation, roll the plant's transaction back, wait for its verdict;
3. else store the shadow with `writing` (the intent) in the agent's store, and only then write the row;
4. commit at the plant; read the row back; store what `observe` and `rebase` make of it.

After a crash between 3 and 4 the next `observe` sees either the old values (not written: try again) or
the intended ones (written): neither is an edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from medloom.wire.sheet import Head


class Shadow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row, as last seen.

    values    field -> value last seen in the plant's row
    versions  field -> version of the object that this value shows; 0 for a row not yet known to the hub
    hub       label of the hub epoch those versions belong to
    captured  field -> id of the operation that holds its latest edit, until that is decided
    disputed  field -> id of the conflicting operation: not written over until a person has settled it
    writing   field -> value about to be written back, with `writing_version`
    gone      the row was not there at the last full read
    """

    key: str
    type: str
    object: str
    values: dict[str, Any]
    versions: dict[str, int] = {}
    hub: str = ""
    captured: dict[str, str] = {}
    disputed: dict[str, str] = {}
    writing: dict[str, Any] = {}
    writing_version: int = 0
    gone: bool = False


class Edit(msgspec.Struct, frozen=True):
    """Fields changed at the plant, all seen at the same version: one operation."""

    fields: dict[str, Any]
    base: int


def observe(
    shadow: Shadow, row: Mapping[str, Any], head: Head | None = None
) -> tuple[Shadow, tuple[Edit, ...]]:
    """Compare the row as it is now with its shadow.

    Returns the shadow to store together with the operations for the edits (then `capture`). A row
    equal to its shadow makes none: no echo. Neither does what a crashed write-back had written, nor
    (after the agent's store was restored) a value that the hub has already, given as `head`, unless
    an earlier edit of that field still waits for its verdict.
    """
    values, versions = dict(shadow.values), dict(shadow.versions)
    changed: dict[str, Any] = {}
    for name, value in row.items():
        if name in values and values[name] == value:
            continue
        if name in shadow.writing and shadow.writing[name] == value:
            versions[name] = shadow.writing_version
        elif head is not None and name not in shadow.captured and _stands(head, name, value):
            versions[name] = head.version
        else:
            changed[name] = value
        values[name] = value
    seen = msgspec.structs.replace(
        shadow, values=values, versions=versions, writing={}, writing_version=0, gone=False
    )
    by_base: dict[int, dict[str, Any]] = {}
    for name, value in changed.items():
        by_base.setdefault(versions.get(name, 0), {})[name] = value
    return seen, tuple(Edit(fields, base) for base, fields in sorted(by_base.items()))


def _stands(head: Head, name: str, value: Any) -> bool:
    # A field nobody has set yet is empty on both sides.
    return bool(head.values.get(name) == value)


def vanish(shadow: Shadow) -> Shadow:
    """The row was not there at a full read: an observation for a person, never a delete."""
    return msgspec.structs.replace(shadow, gone=True)


def capture(shadow: Shadow, edit: Edit, operation: str) -> Shadow:
    """The edit is stored as that operation."""
    captured = shadow.captured | dict.fromkeys(edit.fields, operation)
    disputed = {name: by for name, by in shadow.disputed.items() if name not in edit.fields}
    return msgspec.structs.replace(shadow, captured=captured, disputed=disputed)


def accepted(shadow: Shadow, operation: str, *, version: int, hub: str) -> Shadow:
    """The edit stands: the row shows that version of those fields.

    A field edited again meanwhile shows it too: its later edit was made on top of this one.
    """
    if hub != shadow.hub and shadow.hub:
        # Versions of an ended hub epoch stay below: kept by the fields not touched here, as base 0
        # would say "never seen". `rebase` brings the row to the new epoch.
        return _released(shadow, operation)
    names = [name for name, by in shadow.captured.items() if by == operation]
    versions = shadow.versions | dict.fromkeys(names, version)
    return msgspec.structs.replace(_released(shadow, operation), versions=versions, hub=hub)


def refused(shadow: Shadow, operation: str, *, conflict: bool) -> Shadow:
    """The edit does not stand. In a conflict its fields wait for a person; else the hub's value returns."""
    names = [name for name, by in shadow.captured.items() if by == operation]
    freed = _released(shadow, operation)
    if conflict:
        return msgspec.structs.replace(freed, disputed=freed.disputed | dict.fromkeys(names, operation))
    return freed


def settled(shadow: Shadow, operation: str) -> Shadow:
    """A person settled the conflict of that operation: its fields may be written again."""
    disputed = {name: by for name, by in shadow.disputed.items() if by != operation}
    return msgspec.structs.replace(shadow, disputed=disputed)


def _released(shadow: Shadow, operation: str) -> Shadow:
    captured = {name: by for name, by in shadow.captured.items() if by != operation}
    return msgspec.structs.replace(shadow, captured=captured)


def to_write(shadow: Shadow, head: Head, fields: Iterable[str]) -> dict[str, Any]:
    """What the row should show and does not: empty while an edit of this row waits for its verdict.

    `fields` are those the mapping writes. Disputed ones are left as the person at the plant wrote them.
    """
    if shadow.captured or shadow.gone:
        return {}
    return {
        name: head.values[name]
        for name in fields
        if name in head.values
        and name not in shadow.disputed
        and shadow.values.get(name) != head.values[name]
    }


def intend(shadow: Shadow, fields: Mapping[str, Any], *, version: int) -> Shadow:
    """The intent to write, stored before the plant's row is touched."""
    return msgspec.structs.replace(shadow, writing=dict(fields), writing_version=version)


def rebase(shadow: Shadow, *, head: Head, hub: str) -> Shadow:
    """Every field that shows what the hub has is as of the hub's version; the others keep theirs.

    Only when no edit of the row is open, since an edit was made on the versions before.
    """
    if shadow.captured:
        return shadow
    same = [name for name, value in shadow.values.items() if _stands(head, name, value)]
    others = {name: v for name, v in shadow.versions.items() if name not in same}
    if shadow.hub and hub != shadow.hub:
        # A version of an ended epoch cannot stand beside ones of the new: 0 is known to be too old.
        others = dict.fromkeys(others, 0)
    return msgspec.structs.replace(shadow, versions=others | dict.fromkeys(same, head.version), hub=hub)
