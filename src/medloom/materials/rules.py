"""What is true of lots, moves and holds. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from medloom.kernel.ruling import FINE, Asked, Ruling, rejected
from medloom.wire.judge import HQ
from medloom.wire.letters import drawn_like, look_alikes
from medloom.wire.operation import CONTROL, Kind
from medloom.wire.verdict import Finding, Refusal, Verdict

# -- holds ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenHold:
    """A hold that stands on a lot, or on an ancestor of it with `spreads`.

    position  its place in the control feed of the lot's site; None while it has no line yet
    """

    number: str
    position: int | None = None


def held(
    asked: Asked, holds: Sequence[OpenHold], *, path: str, got: str, code: str = "lot_held", limit: int = 5
) -> tuple[Finding, ...]:
    """Findings of using something held: `code`, and `after_hold` where the author could not know yet.

    The hold stands whatever was done; "could not know" means that the author had not read the hold's
    line when it wrote (protocol.md, Safety).
    """
    found = []
    for hold in holds[:limit]:
        found.append(Finding(code=code, path=path, expected=f"hold {hold.number} cleared", got=got))
        read = asked.operation.seen.get(CONTROL, 0)
        if asked.author != HQ and (hold.position is None or read < hold.position):
            position = "not yet sent" if hold.position is None else str(hold.position)
            found.append(Finding(code="after_hold", path=path, expected=position, got=str(read)))
    return tuple(found)


def admit_hold(asked: Asked, facts: object = None) -> Ruling:
    """A hold covers something; clearing one needs a reason and the meaning of the signature."""
    operation = asked.operation
    if operation.kind is Kind.COMMAND:
        if not operation.reason.strip():
            return rejected("reason_missing", "/reason", "why the hold is cleared")
        if not asked.fields.get("meaning"):
            return rejected("meaning_missing", "/fields/meaning", "authored|reviewed|approved|responsible")
        return FINE
    both = {**asked.current, **asked.fields}
    if not both.get("lot") and not both.get("equipment"):
        return rejected("hold_covers_nothing", "/fields/lot", "a lot or an equipment")
    return FINE


# -- lots -------------------------------------------------------------------------------------

#: Disposition commands -> the kinds of lot they are for. A lot of unknown kind takes any of them.
_FOR = {
    "accept": ("material",),
    "release_production": ("intermediate", "finished"),
    "release_market": ("finished",),
}


@dataclass(frozen=True)
class LotFacts:
    """What stands before a batch of lots.

    holds    (site, lot number) -> open holds, of those that are to be accepted or released
    carried  the holds that come with lots which were named before they were told, for a reaction
    """

    holds: Mapping[tuple[str, str], Sequence[OpenHold]] = field(default_factory=dict)
    carried: Mapping[str, Any] = field(default_factory=dict)


def admit_lot(asked: Asked, facts: LotFacts | None) -> Ruling:
    """No lot is released or accepted while a hold is open on it; materials are accepted, others released."""
    if asked.operation.kind is not Kind.COMMAND:
        alike = look_alikes(str(asked.fields.get("number") or ""))
        return Ruling(findings=(_alike(asked, alike),)) if alike and not asked.num else FINE
    command = str(asked.operation.fields.get("command", ""))
    kinds = _FOR.get(command)
    if kinds is None:
        return FINE
    number, kind = str(asked.current.get("number", "")), asked.current.get("kind")
    holds = facts.holds.get((asked.home, number), ()) if facts else ()
    if holds:
        return rejected("lot_held", "/fields/command", "no open hold", holds[0].number)
    if kind is not None and kind not in kinds:
        return rejected("kind_wrong", "/fields/command", "|".join(kinds), str(kind))
    return FINE


def _alike(asked: Asked, alike: Sequence[str]) -> Finding:
    number = str(asked.fields["number"])
    return Finding(
        code="look_alike",
        path="/fields/number",
        expected=drawn_like(number),
        got=f"{number}: {', '.join(alike)}",
    )


# -- aliases ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class AliasFacts:
    """What stands before a batch of aliases.

    numbers  (site, lot number) of the lots that carry such a number
    joined   what an upper room knows of the lots that are joined or parted, for its own reaction
    carried  the holds that another carries over from one of two lots to the other, for its own reaction
    """

    numbers: Collection[tuple[str, str]] = frozenset()
    joined: Any = None
    carried: Mapping[str, Any] = field(default_factory=dict)


def admit_alias(asked: Asked, facts: AliasFacts | None) -> Ruling:
    """A number that is a lot of its own already is told: from now on it still means that lot.

    It came before its alias and stands as a lot; naming it in `other` joins the two for every trace.
    """
    values = {**asked.current, **asked.fields}
    number = str(values.get("number"))
    numbers = facts.numbers if facts is not None else ()
    if values.get("other") or not values.get("same", True) or (asked.home, number) not in numbers:
        return FINE
    finding = Finding(
        code="alias_is_lot", path="/fields/number", expected=f"other: {number}, to join the two", got=number
    )
    return Ruling(findings=(finding,))


# -- moves and stock --------------------------------------------------------------------------

#: Units that stock is kept in, and how much one of each given unit is of it.
BASE = {
    "1": ("1", Decimal(1)),
    "kg": ("kg", Decimal(1)),
    "g": ("kg", Decimal("0.001")),
    "m": ("m", Decimal(1)),
    "L": ("L", Decimal(1)),
}
_IN = ("received", "produced")

#: (site, lot number, location, status): where a quantity stands.
Place = tuple[str, str, str, str]


@dataclass(frozen=True)
class MoveFacts:
    """What stands before a batch of moves.

    stock  place -> quantity in its base unit
    units  (site, lot number) -> base unit the lot's stock is kept in
    holds  (site, lot number) -> open holds
    before operation id -> quantity at the move's origin when its turn comes; see `run`
    """

    stock: Mapping[Place, Decimal] = field(default_factory=dict)
    units: Mapping[tuple[str, str], str] = field(default_factory=dict)
    holds: Mapping[tuple[str, str], Sequence[OpenHold]] = field(default_factory=dict)
    before: Mapping[str, Decimal] = field(default_factory=dict)


def deltas(site: str, move: Mapping[str, object]) -> list[tuple[Place, Decimal]]:
    """How a move changes stock, in base units.

    A return comes in from the consignee that it names, else leaves from where it says, else comes in.
    """
    if not move.get("lot") or move.get("quantity") is None:
        return []
    quantity = Decimal(str(move["quantity"])) * BASE[str(move["unit"])][1]
    kind, status = move.get("kind"), str(move.get("status") or "free")
    lot = str(move["lot"])
    source = (site, lot, str(move.get("source") or ""), status)
    target = (site, lot, str(move.get("target") or ""), status)
    if kind == "transfer":
        return [(source, -quantity), (target, quantity)]
    comes = move.get("consignee") or (move.get("target") and not move.get("source"))
    if kind in _IN or (kind == "returned" and comes):
        return [(target, quantity)]
    return [(source, -quantity)]


def changes(asked: Asked) -> list[tuple[Place, Decimal]]:
    """How an operation changes stock: a correction takes the old move back and applies the new one."""
    after = {**asked.current, **asked.fields}
    taken = [(place, -amount) for place, amount in deltas(asked.home, asked.current)]
    return taken + deltas(asked.home, after)


def lowest(asked: Asked) -> Place | None:
    """The place that a move takes from, or None when it only adds."""
    net = totals(changes(asked))
    falling = [place for place, amount in net.items() if amount < 0]
    return falling[0] if falling else None


def totals(amounts: Iterable[tuple[Place, Decimal]]) -> dict[Place, Decimal]:
    """Sum by place."""
    net: dict[Place, Decimal] = {}
    for place, amount in amounts:
        net[place] = net.get(place, Decimal(0)) + amount
    return net


def run(asked: Sequence[Asked], stock: Mapping[Place, Decimal]) -> dict[str, Decimal]:
    """What stands at the origin of each move of a batch when its turn comes, moves building on each other."""
    standing = dict(stock)
    before: dict[str, Decimal] = {}
    for one in asked:
        place = lowest(one)
        net = totals(changes(one))
        if place is not None:
            before[one.operation.id] = standing.get(place, Decimal(0))
            if one.author == HQ and before[one.operation.id] + net[place] < 0:
                continue
        for at, amount in net.items():
            standing[at] = standing.get(at, Decimal(0)) + amount
    return before


def admit_move(asked: Asked, facts: MoveFacts | None) -> Ruling:
    """Stock never goes below nought by a request; a plant that already moved more has a finding."""
    facts = facts or MoveFacts()
    both = {**asked.current, **asked.fields}
    lot = (asked.home, str(both.get("lot")))
    unit = BASE[str(both["unit"])][0]
    kept = facts.units.get(lot, unit)
    if kept != unit:
        refusal = Refusal(code="unit_differs", path="/fields/unit", expected=kept, got=str(both["unit"]))
        return Ruling(refusal=refusal, verdict=Verdict.QUARANTINED)
    findings: tuple[Finding, ...] = ()
    place = lowest(asked)
    if place is not None:
        there = facts.before.get(asked.operation.id, Decimal(0))
        needed = -totals(changes(asked))[place]
        if needed > there:
            if asked.author == HQ:
                return rejected("short_stock", "/fields/quantity", f"at most {there:f} {unit}", f"{needed:f}")
            findings += (
                Finding(
                    code="short_stock",
                    path="/fields/quantity",
                    expected=f"at most {there:f} {unit}",
                    got=f"{needed:f}",
                ),
            )
    if both.get("kind") in ("consumed", "shipped"):
        findings += held(asked, facts.holds.get(lot, ()), path="/fields/lot", got=lot[1])
    return Ruling(findings=findings) if findings else FINE


# -- receipts and shipments -----------------------------------------------------------------


def admit_receipt(asked: Asked, facts: object = None) -> Ruling:
    """A delivery has happened and is kept; one that a site sent itself, or that has no sender, is told.

    Whether the sender's lot exists is not told: that would let one plant ask for another's lot numbers.
    """
    values = {**asked.current, **asked.fields}
    partner, number = values.get("partner"), values.get("partner_lot")
    if partner == asked.home:
        finding = Finding(
            code="sender_is_receiver", path="/fields/partner", expected="another site", got=str(partner)
        )
        return Ruling(findings=(finding,))
    if number and not partner and not values.get("vendor"):
        finding = Finding(code="sender_missing", path="/fields/partner", expected="partner or vendor")
        return Ruling(findings=(finding,))
    return FINE


def lots_shipped(asked: Asked) -> list[tuple[str, str]]:
    """(path, lot number) of every line of a shipment as it was sent."""
    lines = asked.operation.fields.get("lines")
    if not isinstance(lines, list):
        return []
    return [(f"/fields/lines/{n}/lot", str(row["lot"])) for n, row in enumerate(lines)]


def admit_shipment(asked: Asked, facts: Mapping[tuple[str, str], Sequence[OpenHold]] | None) -> Ruling:
    """What has left has left: it is kept, with a finding for every lot that is blocked.

    `facts`: (site, lot number) -> open holds on it or, spreading, on an ancestor.
    """
    findings: tuple[Finding, ...] = ()
    for path, lot in lots_shipped(asked):
        findings += held(asked, (facts or {}).get((asked.home, lot), ()), path=path, got=lot)
    return Ruling(findings=findings) if findings else FINE
