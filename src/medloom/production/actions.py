"""What may be done with work orders. Each function builds operations; the caller hands them to the door."""

from __future__ import annotations

from typing import Any

from medloom.kernel.act import Act
from medloom.wire.operation import Operation


def dispatch(*, act: Act, site: str, fields: dict[str, Any], reason: str = "") -> tuple[Operation, Operation]:
    """Make a work order for `site` and release it to it: two operations of one group, both or neither."""
    group = act.mint()
    made = act.create("work_order", site=site, fields=fields, reason=reason, group=group)
    released = act.command(
        "work_order", made.object, site=site, name="release", state="draft", reason=reason, group=group
    )
    return made, released


def release(*, act: Act, site: str, order: str, reason: str = "") -> Operation:
    """Release a work order that stands as a draft."""
    return act.command("work_order", order, site=site, name="release", state="draft", reason=reason)


def advance(*, act: Act, site: str, order: str, command: str, state: str, reason: str = "") -> Operation:
    """One step of an order's life, from the state in which the person saw it."""
    return act.command("work_order", order, site=site, name=command, state=state, reason=reason)
