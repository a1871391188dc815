"""What edges an accepted step record proves, and when a scope may be frozen. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from medloom.kernel.ruling import FINE, Asked, Rows, Ruling, Written, rejected
from medloom.materials.rules import BASE
from medloom.trace.scopes.refusal import ScopeRefused
from medloom.wire.operation import Kind

#: Columns of trace_edge that the ledger writes; `voided_by` stays empty until a correction.
COLUMNS = ("parent", "child", "step", "entry", "units", "site", "quantity")
#: A step's own pieces are numbered from `step << UNIT_BITS`: no two steps share a number, nothing has to
#: be drawn, and a rebuild from the ledger gives the same numbers again.
UNIT_BITS = 24


def edges(written: Sequence[Written]) -> list[Rows]:
    """Rows of trace_edge for accepted step records: from every lot consumed to the lot made, and the
    pieces of the lot made.

    A record without an output lot proves no edge: what it consumed is in its lines and in its moves. Nor
    does one that made no piece: nothing can have gone from one lot into the other.
    """
    rows: list[tuple[Any, ...]] = []
    for record in written:
        child = record.refs.get("output_lot")
        stands = {**record.asked.current, **record.asked.fields}
        if not child or stands.get("total") == 0:
            continue
        site = record.asked.home
        for parent, quantity in _consumed(record).items():
            if parent != child:
                rows.append((parent, child, record.num, record.seq, 0, site, quantity))
        good = stands.get("good") or 0
        if 0 < good < 1 << UNIT_BITS:
            first = record.num << UNIT_BITS
            rows.append((child, first, record.num, record.seq, good, site, None))
    return [("trace_edge", COLUMNS, rows)] if rows else []


def _consumed(record: Written) -> Mapping[int, str | None]:
    """Lot -> quantity taken out of it, in base units as its stock is kept; None where the plant did not say.

    A lot that two lines name is consumed twice; when one of them says no quantity, the whole is not known.
    """
    found: dict[int, Decimal | None] = {}
    if resin_lot := record.refs.get("resin_lot"):
        found[resin_lot] = None
    told: dict[int, list[Decimal | None]] = {}
    for line in record.lines.get("inputs", ()):
        if lot := line.get("lot_num"):
            told.setdefault(lot, []).append(_in_base(line))
    for lot, parts in told.items():
        known = [part for part in parts if part is not None]
        found[lot] = sum(known, Decimal(0)) if len(known) == len(parts) else None
    return {lot: None if quantity is None else format(quantity, "f") for lot, quantity in found.items()}


def _in_base(line: Mapping[str, Any]) -> Decimal | None:
    if line.get("quantity") is None:
        return None
    _unit, factor = BASE[line.get("unit") or "1"]
    return Decimal(str(line["quantity"])) * factor


# -- scopes -----------------------------------------------------------------------------------


#: What only the command that freezes tells of a scope.
_TOLD = ("as_of", "lots", "devices", "consignments", "digest")


@dataclass(frozen=True)
class Freeze:
    """What a scope holds at the moment when it is to be frozen."""

    digest: str
    lots: int
    devices: int
    cut: bool
    consignments: int = 0


@dataclass(frozen=True)
class ScopeFacts:
    """What stands before a batch of operations on scopes, by operation id."""

    freezes: Mapping[str, Freeze] = field(default_factory=dict)
    wrong: Mapping[str, ScopeRefused] = field(default_factory=dict)


def admit_scope(asked: Asked, facts: ScopeFacts | None) -> Ruling:
    """A scope's expression must be readable; it freezes what it holds at that moment, and never changes then.

    A freeze whose lines are no longer the answer is refused: whoever freezes must have seen what they freeze.
    """
    facts = facts or ScopeFacts()
    operation = asked.operation
    refused = facts.wrong.get(operation.id)
    if refused is not None:
        return rejected(refused.code, "/fields/expression", refused.expected, refused.got[:120])
    if operation.kind is Kind.SET:
        if asked.current.get("digest") is not None:
            return rejected(
                "scope_frozen", "/base", "a new scope that supersedes it", str(asked.current["number"])
            )
        told = [name for name in _TOLD if asked.fields.get(name) is not None]
        if told:
            return rejected("not_yet_frozen", f"/fields/{told[0]}", "given by the command freeze")
        return FINE
    return _freeze(asked, facts.freezes.get(operation.id))


def _freeze(asked: Asked, now: Freeze | None) -> Ruling:
    if now is None or asked.fields.get("digest") is None or asked.fields.get("as_of") is None:
        return rejected("digest_missing", "/fields/digest", "digest and as_of of the lines that are frozen")
    if now.cut:
        return rejected("scope_too_large", "/fields/lots", "a narrower scope", f"more than {now.lots}")
    if now.lots == 0:
        return rejected("scope_empty", "/fields/lots", "at least one lot")
    if now.digest != asked.fields["digest"]:
        return rejected("scope_moved", "/fields/digest", f"{now.lots} lots, {now.devices} devices", "others")
    told = tuple(asked.fields.get(name) for name in ("lots", "devices", "consignments"))
    if told != (now.lots, now.devices, now.consignments):
        expected = f"{now.lots} lots, {now.devices} devices, {now.consignments} consignments"
        return rejected("scope_moved", "/fields/lots", expected, str(told))
    return FINE
