"""What must be true when everything has come to rest, judged without looking at versions or clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from medloom.simulator.hub_actor import HubActor
from medloom.simulator.intents import Intents, is_token, named, tokens_of
from medloom.simulator.objects import object_id
from medloom.simulator.site_actor import Plant, SiteActor
from medloom.wire.memory_ledger import Entry
from medloom.wire.operation import Kind
from medloom.wire.rows import load
from medloom.wire.verdict import Verdict


@dataclass(frozen=True)
class Explained:
    """Alarms that what happened in this run explains."""

    clone: bool = False
    hot_clone: bool = False
    rolled_back: bool = False
    must_find_clone: bool = False


def violations(
    hub: HubActor, sites: Sequence[SiteActor], plants: Iterable[Plant], intents: Intents, explained: Explained
) -> Iterator[str]:
    """Every broken promise, in words."""
    yield from (f"sequencer stopped: {each}" for each in hub.broken)
    yield from _lost(hub, plants, intents)
    yield from _doubled(hub)
    yield from _overwritten(hub, intents)
    yield from _diverged(hub, sites)
    yield from _rows(hub, sites)
    yield from _balances(hub)
    yield from _holds(hub)
    yield from _groups(hub)
    yield from _waiting(hub, sites)
    yield from _alarms(hub, explained)


def _lost(hub: HubActor, plants: Iterable[Plant], intents: Intents) -> Iterator[str]:
    """Every write that any surviving copy held has an entry."""
    there = {token for entry in hub.store.entries for token in tokens_of(entry.raw)}
    durable = {event.token: plant.site for plant in plants for event in plant.events}
    for token, by in intents.authored.items():
        if token not in there and token not in intents.excused and token not in durable:
            yield f"lost: {token} of {by}"
    for token, by in durable.items():
        if token not in there:
            yield f"lost: {token} in the log of {by}"


def _doubled(hub: HubActor) -> Iterator[str]:
    """No write took effect twice."""
    effects: Counter[tuple[str, str]] = Counter()
    for entry in hub.store.entries:
        if entry.verdict is not Verdict.ACCEPTED or entry.operation is None:
            continue
        if entry.type == hub.world.business.order and entry.operation.kind is Kind.SET:
            after = _decided(entry).get("after", {}) if entry.version > 1 else entry.operation.fields
            effects.update((named(value), name) for name, value in after.items() if is_token(value))
        else:
            source = entry.operation.source
            part = source.key if source is not None else ""
            effects.update((token, part) for token in tokens_of(entry.raw))
    yield from (f"doubled: {token} {part}, {n} times" for (token, part), n in effects.items() if n > 1)


def _decided(entry: Entry) -> dict[str, dict[str, object]]:
    decided: dict[str, dict[str, object]] = msgspec.json.decode(entry.decision) if entry.decision else {}
    return decided


def _overwritten(hub: HubActor, intents: Intents) -> Iterator[str]:
    """A value gives way only to one whose author had seen it, or one that followed from it."""
    for entry in hub.store.entries:
        if (
            entry.type != hub.world.business.order
            or entry.verdict is not Verdict.ACCEPTED
            or entry.version == 1
        ):
            continue
        decided = _decided(entry)
        before = decided.get("before", {})
        for name, value in decided.get("after", {}).items():
            stood = before.get(name)
            if is_token(value) and is_token(stood) and named(stood) not in intents.ancestors(named(value)):
                yield f"overwritten: {stood} by {value} on {entry.object} {name}, unseen"


def _diverged(hub: HubActor, sites: Sequence[SiteActor]) -> Iterator[str]:
    """Each site holds exactly what stands at the hub, as far as it may see it."""
    business = hub.world.business
    for actor in sites:
        here = actor.store.objects()
        for each, head in hub.store.heads.items():
            if not business.sees(actor.site, head):
                continue
            mine = here.get(each)
            if mine is None:
                yield f"diverged: {actor.site} lacks {hub.store.types[each]} {each}"
            elif not business.same(hub.store.types[each], mine, head):
                yield f"diverged: {actor.site} {each} {mine} / {head}"
        yield from (f"diverged: {actor.site} has {each} more" for each in here if each not in hub.store.heads)


def _rows(hub: HubActor, sites: Sequence[SiteActor]) -> Iterator[str]:
    """Each plant's table shows what the hub has, but where a person must decide first."""
    for actor in sites:
        if actor.draining:
            continue
        for key, row in actor.plant.orders.items():
            shadow = load(actor.store, key)
            if shadow is None:
                if object_id("order", actor.site, key) in hub.store.heads:
                    yield f"row {key} of {actor.site} is not followed"
                continue
            head = hub.store.heads.get(shadow.object)
            if head is None:
                # Its creation died with every copy: the row's edits are parked, for a person.
                if actor.store.head(shadow.object) is not None:
                    yield f"row {key} of {actor.site} is of an object that the hub does not know"
                continue
            if shadow.captured and set(shadow.captured.values()) <= hub.store.parked.keys():
                # Parked for a person, since what they require died with a store; `_waiting` looks why.
                continue
            if shadow.captured:
                yield f"row {key} of {actor.site} waits for ever for {shadow.captured}"
            for name in hub.world.business.order_fields:
                if name in head.values and name not in shadow.disputed and row.get(name) != head.values[name]:
                    yield f"row {key} of {actor.site} shows {row.get(name)}, the hub has {head.values[name]}"


def _balances(hub: HubActor) -> Iterator[str]:
    """Stock is the sum of its moves and was never negative."""
    business, sums = hub.world.business, Counter[str]()
    for entry in hub.store.entries:
        if entry.type == "move" and entry.verdict is Verdict.ACCEPTED and entry.operation is not None:
            lot = business.lot_of(entry)
            sums[lot] += business.quantity(entry)
            if sums[lot] < 0 and business.guarded:
                yield f"balance of {lot} fell to {sums[lot]}"
    for lot, left in hub.store.balances.items():
        if sums[lot] != left:
            yield f"balance of {lot} is {left}, its moves make {sums[lot]}"


def _holds(hub: HubActor) -> Iterator[str]:
    """A hold stands until it is cleared; what was finished under it says so."""
    standing: dict[str, str] = {}
    business, heads = hub.world.business, hub.store.heads
    for entry in hub.store.entries:
        if entry.verdict is not Verdict.ACCEPTED or entry.operation is None:
            continue
        command = entry.operation.fields.get("command")
        if entry.type == "hold":
            if command == "clear":
                standing.pop(entry.object, None)
            else:
                standing[entry.object] = business.lot_of(entry)
        elif command == business.finish_command and (
            business.lot_key(entry.object, heads.get(entry.object)) in standing.values()
        ):
            said = {finding.code for finding in entry.answer.findings}
            if "after_hold" not in said:
                yield f"finished under a hold without saying so: {entry.object}"
    for hold in standing:
        if heads[hold].state != "open":
            yield f"hold {hold} is {heads[hold].state}, nobody cleared it"


def _groups(hub: HubActor) -> Iterator[str]:
    """All members of a group took effect, or none."""
    found: dict[tuple[str, str], set[bool]] = {}
    for entry in hub.store.by_id.values():
        if entry.operation is not None and entry.operation.group:
            outcome = entry.verdict is Verdict.ACCEPTED
            found.setdefault((entry.site, entry.operation.group), set()).add(outcome)
    yield from (f"group {group} of {site} is torn" for (site, group), seen in found.items() if len(seen) > 1)


def _waiting(hub: HubActor, sites: Sequence[SiteActor]) -> Iterator[str]:
    """Nothing is still on its way: no operation without its line, no parked one that could be judged."""
    for actor in sites:
        if actor.machine.stopped is not None:
            yield f"{actor.site} stopped: {actor.machine.stopped}"
        for own in actor.store.unlined():
            if own.answer is None or own.answer.verdict is not Verdict.PARKED:
                yield f"{actor.site} still waits for {own.id}: {own.answer}"
    for entry in hub.store.parked.values():
        code = entry.answer.refusal.code if entry.answer.refusal else ""
        known = {each for op in hub.store.by_id.values() if op.operation for each in (op.id, op.object)}
        if code == "requires_unknown":
            wanted = entry.operation.requires if entry.operation else ()
            if any(each in hub.store.parked for each in wanted):
                continue
            missing = [each for each in wanted if each not in known]
            gone = [each for each in missing if not any(a.store.own([each]) for a in sites)]
            if not missing or len(gone) < len(missing):
                yield f"parked for ever: {entry.id} {entry.answer.refusal}"
        elif code == "object_unknown" and entry.object in hub.store.heads:
            yield f"parked for ever: {entry.id} {entry.answer.refusal}"


def _alarms(hub: HubActor, explained: Explained) -> Iterator[str]:
    """Alarms come when there is a reason, and only then."""
    codes = {code for code, _, _ in hub.store.alarms}
    allowed = {"skew"}
    if explained.clone or explained.hot_clone:
        allowed |= {"clone"}
    if explained.hot_clone:
        allowed |= {"op_id_reuse"}
    if explained.rolled_back:
        allowed |= {"hub_rolled_back", "op_id_reuse"}
    yield from (f"false alarm: {code}" for code in sorted(codes - allowed))
    if explained.must_find_clone and "clone" not in codes:
        yield "a clone was not found"
