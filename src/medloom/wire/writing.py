"""How a site writes: drafts become operations with a number, a base, and what the author knew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from medloom.wire.canonical import Malformed, decode_operation, encode_operation
from medloom.wire.feed import FeedLine
from medloom.wire.operation import CHAINS, VOLUME, Kind, Operation, Source, hub_label, operation_id
from medloom.wire.stores import Own, SiteStore
from medloom.wire.verdict import Verdict

#: Most requirements an operation names (see Operation.requires).
REQUIRES_MAX = 200
#: The store's space of old id -> new id.
RENAMED = "renamed"
#: The store's space of conflicting operation -> accepted operation that settled it.
REPAIRED = "repaired"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a site wants to write. `base` None means: the version the site has read.

    From a plant's row, `base` and `hub` come from the row's shadow, never from the newest lines.
    """

    type: str
    object: str
    kind: Kind
    fields: dict[str, Any]
    at: str
    actor: str
    chain: str = VOLUME
    base: int | None = None
    hub: str = ""
    home: str = ""
    zone: str = "UTC"
    clock: str = "unknown"
    reason: str = ""
    source: Source | None = None
    requires: tuple[str, ...] = ()
    group: str = ""
    corrects: str = ""
    compensates: str = ""
    repairs: str = ""
    raw: dict[str, str] = field(default_factory=dict)


def write(store: SiteStore, drafts: Iterable[Draft], *, site: str) -> list[Own]:
    """Store drafts as the site's next operations; the caller holds the transaction.

    An edit on top of the site's own pending ones of its chain names in `requires` those whose values
    stood before its author's eyes, so that the hub knows. Members of a group must be in one call and
    on one chain. Raises Malformed for a draft that the hub could not read: nothing of the call is
    stored then.
    """
    epoch = store.epochs()[-1]
    hub = hub_label(store.hub_epoch())
    seen = {feed: store.cursor(feed).position for feed in CHAINS}
    following = {chain: store.standing(epoch, chain)[0] for chain in CHAINS}
    made: list[Own] = []
    for draft in drafts:
        number = following[draft.chain]
        following[draft.chain] += 1
        identity = operation_id(site=site, epoch=epoch, chain=draft.chain, number=number)
        base, requires = draft.base, list(draft.requires)
        if draft.kind in (Kind.SET, Kind.COMMAND):
            before = (*store.pending(draft.object), *(own for own in made if own.object == draft.object))
            pending = _shown([own for own in before if own.chain == draft.chain and _edits(own)])
            requires += [each for each in pending if each not in requires]
            head = store.head(draft.object) if base is None else None
            base = head.version if head is not None else (base or 0)
        same = not draft.hub or draft.hub == hub
        operation = Operation(
            id=identity,
            type=draft.type,
            object=draft.object,
            kind=draft.kind,
            fields=draft.fields,
            at=draft.at,
            actor=draft.actor,
            site=draft.home,
            base=base or 0,
            hub=hub if same else draft.hub,
            # Positions of another hub epoch would mean other lines: better to say nothing was seen.
            seen={feed: position for feed, position in seen.items() if position} if same else {},
            zone=draft.zone,
            clock=draft.clock,
            reason=draft.reason,
            source=draft.source,
            requires=tuple(requires[-REQUIRES_MAX:]),
            group=draft.group,
            corrects=draft.corrects,
            compensates=draft.compensates,
            repairs=draft.repairs,
            raw=draft.raw,
        )
        raw = encode_operation(operation)
        made.append(Own(epoch, draft.chain, number, raw, identity, draft.object, draft.group))
    store.add(made)
    return made


def _edits(own: Own) -> bool:
    """Whether it changes what stood. An observation is not required by what follows: should it die with
    its store and be read again, it comes under another id."""
    return b'"kind":"observe"' not in own.raw and b'"kind":"raw"' not in own.raw


def _shown(pending: Sequence[Own]) -> list[str]:
    """Ids of the pending edits of one object that still show: not those whose every field a later one
    wrote again.

    Should the later one fail, what stands is the earlier value, which was gone when the next edit was
    made: two agents on one table, each taking the other's write-back for an edit, would overrule a
    person that way. While the later one stands, its version is the newest of all those fields.
    """
    shown: list[str] = []
    covered: set[str] = set()
    for own in reversed(pending):
        try:
            operation = decode_operation(own.raw)
        except Malformed:  # written by an older version of this program
            shown.append(own.id)
            continue
        plain = operation.kind is Kind.SET and operation.base
        if not plain or not operation.fields.keys() <= covered:
            shown.append(own.id)
        if operation.kind is Kind.SET:
            covered |= operation.fields.keys()
    return shown[::-1]


def write_anew(
    store: SiteStore,
    *,
    site: str,
    forked: tuple[str, str],
    first: int,
    keep: Sequence[str] = (),
    also: Sequence[str] = (),
) -> dict[str, str]:
    """Write again, under the current epoch, own operations of a chain whose numbers another agent used.

    Those from number `first` on that have neither line nor answer; `keep` names ids to leave alone,
    `also` ids whose answer belongs to what another agent wrote.
    Content and base stay; only identities change, in `requires`, `corrects` and the like too.
    Returns old id -> new id.
    """
    epoch = store.epochs()[-1]
    old = [
        own
        for own in store.unlined()
        if (own.epoch, own.chain) == forked
        and own.number >= first
        and (own.answer is None or own.id in also)
        and own.id not in keep
    ]
    number = store.standing(epoch, forked[1])[0]
    renamed = {
        own.id: operation_id(site=site, epoch=epoch, chain=own.chain, number=number + at)
        for at, own in enumerate(old)
    }
    made = []
    for at, own in enumerate(old):
        raw = _renamed(own, renamed)
        made.append(Own(epoch, own.chain, number + at, raw, renamed[own.id], own.object, own.group))
    store.abandon(*forked, first, [own.id for own in old])
    store.put(RENAMED, {before: after.encode() for before, after in renamed.items()})
    store.add(made)
    return renamed


def note_repairs(store: SiteStore, lines: Iterable[FeedLine], *, gone: bool = False) -> None:
    """Remember which conflicts these lines settle; with `gone`, that the lines were lost."""
    for line in lines:
        if line.verdict == Verdict.ACCEPTED and '"repairs":"' in line.body:
            operation = line.operation()
            if operation is not None and operation.repairs:
                store.put(REPAIRED, {operation.repairs: None if gone else line.id.encode()})


def current_id(store: SiteStore, identity: str) -> str:
    """The id under which an operation goes now, however often it was written anew."""
    while (after := store.get(RENAMED, identity)) is not None:
        identity = after.decode()
    return identity


def _renamed(own: Own, renamed: dict[str, str]) -> bytes:
    try:
        operation = decode_operation(own.raw)
    except Malformed:  # written by an older version of this program: its bytes go as they are
        return own.raw
    changes = {
        name: renamed.get(getattr(operation, name), getattr(operation, name))
        for name in ("id", "corrects", "compensates", "repairs")
    }
    requires = tuple(renamed.get(each, each) for each in operation.requires)
    return encode_operation(msgspec.structs.replace(operation, requires=requires, **changes))
