"""What may be done with lots and holds: functions that build operations for the write door."""

from __future__ import annotations

from medloom.kernel.act import Act
from medloom.wire.operation import Operation


def raise_hold(
    *,
    act: Act,
    site: str,
    number: str,
    cause: str,
    lot: str | None = None,
    equipment: str | None = None,
    spreads: bool = True,
) -> Operation:
    """A hold on a lot or an equipment of `site`. Anyone may raise one; it needs a cause."""
    fields = {"number": number, "cause": cause, "lot": lot, "equipment": equipment, "spreads": spreads}
    return act.create("hold", site=site, fields=fields, reason=cause)


def clear_hold(*, act: Act, site: str, hold: str, reason: str, meaning: str) -> Operation:
    """Clear a hold, signed with its meaning. The registrant alone may; other holds on the lot stay."""
    return act.command(
        "hold", hold, site=site, name="clear", state="open", reason=reason, fields={"meaning": meaning}
    )


def dispose_lot(*, act: Act, site: str, lot: str, command: str, state: str, reason: str) -> Operation:
    """One step of a lot's disposition, from the state in which the person saw it."""
    return act.command("lot", lot, site=site, name=command, state=state, reason=reason)


def merge_lots(*, act: Act, site: str, lot: str, other: str, reason: str) -> Operation:
    """A person found that `other` is another spelling of `lot`. Both stay; a trace walks through both."""
    fields = {"partner": site, "number": other, "lot": lot, "other": other, "same": True}
    return act.create("alias", site=site, fields=fields, reason=reason)


def part_lots(*, act: Act, site: str, lot: str, other: str, reason: str) -> Operation:
    """A person found that two lots with near numbers are different: the proposal does not come back."""
    first, second = sorted((lot, other))
    fields = {"partner": site, "number": f"{first}~{second}", "lot": first, "other": second, "same": False}
    return act.create("alias", site=site, fields=fields, reason=reason)
