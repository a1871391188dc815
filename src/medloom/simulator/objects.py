"""The objects of the simulated business, and the rules the hub admits them by."""

from __future__ import annotations

import uuid

import msgspec

from medloom.wire.judge import Judgement
from medloom.wire.memory_hub import MemoryHub
from medloom.wire.memory_ledger import MemoryLedger, Rule
from medloom.wire.operation import CONTROL, VOLUME, Kind, Operation, hub_label
from medloom.wire.sheet import Lifecycle, Owner, Sheet, Step
from medloom.wire.verdict import Finding, Refusal, Verdict

SHEETS = {
    # A work order: planned by the registrant or told by the plant. Both write notes, the plant its progress.
    "order": Sheet(
        type="order",
        kinds=frozenset({Kind.SET, Kind.OBSERVE, Kind.COMMAND}),
        owner=Owner.SHARED,
        owners={"due": Owner.REGISTRANT, "number": Owner.REGISTRANT, "progress": Owner.SITE},
        lifecycle=Lifecycle(
            "draft",
            (
                Step("release", ("draft", "reported"), "released", Owner.REGISTRANT),
                Step("close", ("released",), "closed", Owner.REGISTRANT),
            ),
            observed="reported",
        ),
        natural_key=("number",),
        chain=CONTROL,
    ),
    "lot": Sheet(
        type="lot",
        kinds=frozenset({Kind.OBSERVE, Kind.COMMAND}),
        lifecycle=Lifecycle("pending", (Step("finish", ("pending",), "finished", Owner.SHARED),)),
        natural_key=("number",),
        chain=VOLUME,
    ),
    "record": Sheet(type="record", kinds=frozenset({Kind.OBSERVE}), chain=VOLUME),
    "move": Sheet(type="move", kinds=frozenset({Kind.SET}), chain=VOLUME),
    "hold": Sheet(
        type="hold",
        kinds=frozenset({Kind.SET, Kind.COMMAND}),
        lifecycle=Lifecycle("open", (Step("clear", ("open",), "cleared", Owner.REGISTRANT),)),
        safety=True,
        chain=CONTROL,
    ),
}
_SPACE = uuid.UUID("6b1f6a1e-4f0e-5d4a-9f57-0d2d3a7c1e11")


def object_id(*parts: str) -> str:
    """An object's id from its natural key: every agent of the site finds the same."""
    return str(uuid.uuid5(_SPACE, "/".join(parts)))


def open_holds(hub: MemoryLedger, lot: str) -> list[str]:
    """Ids of the holds that cover a lot now."""
    return [
        each
        for each, kind in hub.types.items()
        if kind == "hold" and hub.heads[each].state == "open" and hub.heads[each].values.get("lot") == lot
    ]


def _move(operation: Operation, author: str, judged: Judgement, hub: MemoryLedger) -> Judgement:
    lot, quantity = operation.fields.get("lot"), operation.fields.get("quantity")
    if not isinstance(quantity, int) or lot not in hub.heads:
        refusal = Refusal("unknown_lot", "/fields/lot", got=str(lot))
        return Judgement(Verdict.PARKED, refusal=refusal)
    left = hub.balances.get(str(lot), 0) + quantity
    if left < 0:
        return Judgement(Verdict.REJECTED, refusal=Refusal("insufficient", "/fields/quantity", got=str(left)))
    hub.set(hub.balances, str(lot), left)
    return judged


def _lot(operation: Operation, author: str, judged: Judgement, hub: MemoryLedger) -> Judgement:
    holds = open_holds(hub, operation.object) if operation.kind is Kind.COMMAND else []
    if not holds:
        return judged
    assert isinstance(hub, MemoryHub)
    label = hub_label(hub.hub().epoch)
    for hold in holds:
        raised = hub.by_object[hold][0].id
        position = hub.placed.get((author, raised), 0)
        knew = operation.hub == label and 0 < position <= operation.seen.get(CONTROL, 0)
        if knew:
            return Judgement(Verdict.REJECTED, refusal=Refusal("held", "/object", got=hold))
    finding = Finding("after_hold", "/object", got=holds[0])
    return Judgement(
        judged.verdict,
        findings=(finding,),
        version=judged.version,
        state=judged.state,
        changes=judged.changes,
    )


RULES: dict[str, Rule] = {"move": _move, "lot": _lot}


def encode(value: object) -> bytes:
    """A stable text of anything, for content hashes."""
    return msgspec.json.encode(value, order="sorted")
