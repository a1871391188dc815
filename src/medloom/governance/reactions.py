"""What follows when a person accepts a correction or takes that back: the operation that corrects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from medloom.governance.rules import alias_of
from medloom.kernel.act import derived_id
from medloom.kernel.ruling import Written
from medloom.wire.operation import Kind, Operation

#: (site, key of a result) -> its head, and object of an alias -> its version.
Facts = Mapping[str, Mapping[Any, Any]]


def apply_correction(written: Sequence[Written], facts: Facts | None) -> list[Operation]:
    """One operation for each correction that was accepted, and one that sets back each that was undone.

    Ids follow from the entry, so a retry repeats them.
    """
    found = []
    for one in written:
        command = one.asked.operation.fields.get("command")
        stood = one.asked.operation.fields.get("from")
        current = one.asked.current
        if command not in ("accept", "undo") or (command == "undo" and stood != "accepted"):
            continue
        if current.get("kind") == "normalisation":
            found.append(_spelling(one, facts or {}, same=command == "accept"))
        elif current.get("kind") == "unit_slip":
            value = current["meant"] if command == "accept" else current["came"]
            head = (facts or {}).get("results", {}).get((one.asked.home, current["subject"]))
            if head is not None:
                found.append(_value(one, head, str(value)))
    return found


def _spelling(one: Written, facts: Facts, *, same: bool) -> Operation:
    """The original becomes another number of the lot that it was always read as, or no longer is one."""
    current, object_ = one.asked.current, alias_of(one.asked.operation.object)
    version = facts.get("aliases", {}).get(object_, 0)
    fields = {"partner": one.asked.home, "number": current["came"], "lot": current["meant"], "same": same}
    return _follows(one, "alias", object_, Kind.SET, {"same": same} if version else fields, base=version)


def _value(one: Written, head: Mapping[str, Any], value: str) -> Operation:
    """The result is told again with the value that is meant; the plant's own stays in its history."""
    fields = {**orjson.loads(head["fields"] or "{}"), "value": value}
    return _follows(
        one, "result", str(head["object"]), Kind.OBSERVE, fields, corrects=str(head["told"] or "")
    )


def _follows(
    one: Written,
    type_: str,
    object_: str,
    kind: Kind,
    fields: Mapping[str, Any],
    *,
    base: int = 0,
    corrects: str = "",
) -> Operation:
    operation = one.asked.operation
    return Operation(
        id=derived_id(one.seq, "apply_correction"),
        type=type_,
        object=object_,
        kind=kind,
        at=operation.at,
        zone=operation.zone,
        actor=operation.actor,
        site=one.asked.home,
        fields=dict(fields),
        base=base,
        reason=f"{one.key}: {operation.reason}"[:500],
        requires=(operation.id,),
        corrects=corrects,
    )
