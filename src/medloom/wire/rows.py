"""The rows of a plant's table against a site's store: what to author, what to write back, and when.

Sits between the pure shadow and whatever reads and writes the plant's system. Every function is one
step of the agent's loop and changes the store in one transaction, so that a crash falls between steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from medloom.wire.operation import hub_label
from medloom.wire.shadow import (
    Edit,
    Shadow,
    accepted,
    capture,
    intend,
    observe,
    rebase,
    refused,
    settled,
    to_write,
    vanish,
)
from medloom.wire.stores import Own, SiteStore
from medloom.wire.verdict import Verdict
from medloom.wire.writing import REPAIRED, Draft, current_id, write

#: The store's space of row key -> shadow.
SHADOWS = "shadow"
#: Stands for the hub epoch where the version that a row shows is not known.
UNKNOWN_HUB = "unknown"

_DECODER = msgspec.json.Decoder(Shadow)


def load(store: SiteStore, key: str) -> Shadow | None:
    """The row's shadow, or None for a row never seen."""
    raw = store.get(SHADOWS, key)
    return _DECODER.decode(raw) if raw is not None else None


def _saved(shadow: Shadow) -> dict[str, bytes | None]:
    return {shadow.key: msgspec.json.encode(shadow)}


@dataclass(frozen=True)
class Rows:
    """One mapped table of a site.

    fields   the fields the mapping reads and writes back
    draft    makes an operation's envelope (time, actor, reason, chain) for an edit of a shadow's row
    """

    store: SiteStore
    site: str
    fields: Sequence[str]
    draft: Callable[[Shadow, Edit], Draft]

    def poll(self, key: str, row: Mapping[str, Any] | None) -> list[Own]:
        """The row as it is now (None: not there): captures what a person changed.

        Verdicts that came meanwhile are taken first: an edit on top of one that stands already is
        based on the version that this one made, or it would conflict with its own author for ever.
        """
        shadow = self.hear(key)
        if shadow is None:
            return []
        with self.store.transaction():
            if row is None:
                self.store.put(SHADOWS, _saved(vanish(shadow)))
                return []
            return self._capture(shadow, row)

    def _capture(self, shadow: Shadow, row: Mapping[str, Any]) -> list[Own]:
        mapped = {name: row[name] for name in self.fields if name in row}
        seen, edits = observe(shadow, mapped, self.store.head(shadow.object))
        made: list[Own] = []
        for edit in edits:
            draft = self.draft(seen, edit)
            if not edit.base and not self.store.pending(shadow.object):
                # The row is of an object that exists, but of which version nobody knows (a store was
                # lost): as a base of an unknown hub epoch that is never a creation, and never silent.
                draft = replace(draft, base=1, hub=UNKNOWN_HUB)
            made += write(self.store, [draft], site=self.site)
            seen = capture(seen, edit, made[-1].id)
        if seen != shadow:
            self.store.put(SHADOWS, _saved(seen))
        return made

    def adopt(self, key: str, *, type: str, object: str, row: Mapping[str, Any], made: Own | None) -> None:
        """Begin to follow a row: as the operation `made` reported it, or as the hub has it."""
        values = {name: row[name] for name in self.fields if name in row}
        captured = dict.fromkeys(values, made.id) if made is not None else {}
        shadow = Shadow(key=key, type=type, object=object, values=values, captured=captured)
        with self.store.transaction():
            self.store.put(SHADOWS, _saved(shadow))

    def hear(self, key: str) -> Shadow | None:
        """Take the verdicts that came for the row's edits, and bring the shadow up to what it shows."""
        shadow = load(self.store, key)
        if shadow is None:
            return None
        label = hub_label(self.store.hub_epoch())
        heard = shadow
        for before in sorted(set(shadow.captured.values())):
            heard = self._verdict(heard, before, label)
        for each in set(heard.disputed.values()):
            if self.store.get(REPAIRED, current_id(self.store, each)) is not None:
                heard = settled(heard, each)
        head = self.store.head(shadow.object)
        if head is not None and not heard.captured:
            heard = rebase(heard, head=head, hub=label)
        if heard != shadow:
            with self.store.transaction():
                self.store.put(SHADOWS, _saved(heard))
        return heard

    def _verdict(self, shadow: Shadow, before: str, label: str) -> Shadow:
        now = current_id(self.store, before)
        if now != before:
            captured = {name: now if by == before else by for name, by in shadow.captured.items()}
            shadow = msgspec.structs.replace(shadow, captured=captured)
        own = self.store.own([now]).get(now)
        if own is None:
            # Decided and pruned long ago, or lost with a restored store: nothing is known, so nothing
            # is newer than what the row showed before the edit.
            return refused(shadow, now, conflict=False)
        if not own.lined or own.answer is None:
            return shadow
        if own.answer.verdict is Verdict.ACCEPTED:
            return accepted(shadow, now, version=own.answer.version, hub=label)
        return refused(shadow, now, conflict=own.answer.verdict is Verdict.CONFLICT)

    def plan(self, key: str) -> dict[str, Any]:
        """What the plant's row should be made to show; empty when nothing, or not now."""
        shadow = self.hear(key)
        head = self.store.head(shadow.object) if shadow is not None else None
        if shadow is None or head is None:
            return {}
        return to_write(shadow, head, self.fields)

    def prepare(self, key: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """Called inside the plant's transaction with the row just read for update.

        Returns what to write now. If the row was changed meanwhile, that is captured first and
        nothing is to be written: roll the plant's transaction back. The intent is stored before
        this returns.
        """
        if self.poll(key, row):
            return {}
        shadow = load(self.store, key)
        head = self.store.head(shadow.object) if shadow is not None else None
        if shadow is None or head is None:
            return {}
        wanted = to_write(shadow, head, self.fields)
        if wanted:
            with self.store.transaction():
                self.store.put(SHADOWS, _saved(intend(shadow, wanted, version=head.version)))
        return wanted

    def confirm(self, key: str, row: Mapping[str, Any]) -> bool:
        """The row as read back after the plant's commit; True when it shows what the hub has: delivered."""
        edited = self.poll(key, row)
        shadow = self.hear(key)
        head = self.store.head(shadow.object) if shadow is not None else None
        return (
            not edited and shadow is not None and head is not None and not to_write(shadow, head, self.fields)
        )
