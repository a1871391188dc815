"""How a person at the hub, and the hub itself, put operations through the door.

A person of a plant who writes on the hub's page writes *as that site*: the author is the person's
site, so ownership is judged as if it had come from the plant's own system.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import uuid_utils

from medloom.kernel.ledger import append, own
from medloom.kernel.ruling import Wiring
from medloom.wire.operation import Kind, Operation
from medloom.wire.verdict import Answer


def new_id() -> str:
    """A UUIDv7: opaque, in time order, never used again."""
    return str(uuid_utils.uuid7())


def operation(
    type: str,
    kind: Kind,
    fields: Mapping[str, Any],
    *,
    actor: str,
    at: dt.datetime,
    reason: str = "",
    object: str = "",
    base: int = 0,
    site: str = "",
    id: str = "",
    zone: str = "UTC",
    requires: Sequence[str] = (),
    compensates: str = "",
    repairs: str = "",
    group: str = "",
) -> Operation:
    """An operation of the hub's own, with a fresh id and object unless given. `at` must know its zone."""
    return Operation(
        id=id or new_id(),
        type=type,
        object=object or new_id(),
        kind=kind,
        fields=dict(fields),
        site=site,
        base=base,
        at=at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        zone=zone,
        clock="synchronised",
        actor=actor,
        reason=reason,
        requires=tuple(requires),
        compensates=compensates,
        repairs=repairs,
        group=group,
    )


def submit(operations: Sequence[Operation], *, author: str, wiring: Wiring) -> list[Answer]:
    """Append operations written at the hub, as site `author`. Raises what append raises.

    They enter one batch, so those that name the same group share one outcome.
    """
    return append([own(each) for each in operations], author=author, wiring=wiring)
