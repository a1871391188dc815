"""What follows from results: a lot that does not conform is blocked, a disagreement is opened, each once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from medloom.inspection.rules import BLOCKING, ResultFacts
from medloom.inspection.rules_compared import (
    Contrast,
    JoinedFacts,
    Measured,
    Pair,
    Standing,
    alike,
    disagreed,
    dispute_number,
    meant_by,
    named,
    renamed,
    with_new,
)
from medloom.kernel.act import derived_id
from medloom.kernel.ruling import Written
from medloom.materials.reactions import hold_because
from medloom.materials.rules import AliasFacts
from medloom.wire.operation import Kind, Operation


def block_lot(written: Sequence[Written], facts: ResultFacts | None) -> list[Operation]:
    """One hold for each lot with a result that does not conform, unless inspection blocks it already."""
    blocked = set(facts.blocked) if facts else set()
    found = []
    for result in written:
        codes = sorted({f.code for f in result.findings} & BLOCKING)
        values = {**result.asked.current, **result.asked.fields}
        lot = (result.asked.home, str(values.get("lot")))
        if codes and lot not in blocked:
            blocked.add(lot)
            cause = f"result {result.key}: {', '.join(codes)}"
            found.append(
                hold_because(result, reaction="block_lot", prefix="inspection", lot=lot[1], cause=cause)
            )
    return found


def dispute(written: Sequence[Written], facts: ResultFacts | None) -> list[Operation]:
    """What follows where two laboratories say different things of an item: one disagreement, opened once.

    Both results stand and both block; which of them counts is a person's decision. One that was settled
    opens again when a new result disagrees otherwise than before. An open one lapses when results that were
    corrected or measured again leave nothing that the two disagree about.
    """
    facts = facts or ResultFacts()
    standing = list(facts.measured)
    known, new = {(one.site, one.key): one for one in standing}, []
    causes: dict[tuple[str, str, str], Written] = {}
    for result in written:
        measured, was = measured_of(result, facts), known.get((result.asked.home, result.key))
        new += [measured] if measured is not None else []
        for one in filter(None, (was, measured)):
            causes[one.site, one.item, one.laboratory] = result
    now = with_new(standing, new)
    before, found = disagreed(standing), _emptied(now, causes, facts)
    for pair, contrasts in disagreed(now).items():
        site, item, first, second = pair
        cause = causes.get((site, item, second)) or causes.get((site, item, first))
        fresh = contrasts - before.get(pair, set())
        if cause is not None:
            why = f"results of {first} and {second} disagree about {_lots(fresh or contrasts)}"
            found += _follow(cause, pair, facts.disputed, contrasts, fresh, why)
    return found


def _emptied(
    now: Sequence[Measured], causes: Mapping[tuple[str, str, str], Written], facts: ResultFacts
) -> list[Operation]:
    """The lapse of each open disagreement of which nothing is left, with the result that took the last."""
    if not facts.whole:
        return []
    left, found = disagreed(now, partly=True), []
    for site, item in sorted(facts.whole):
        touched = sorted(name for where, what, name in causes if (where, what) == (site, item))
        others = {one.laboratory for one in now if (one.site, one.item) == (site, item)} | set(touched)
        for first, second in sorted({(min(a, b), max(a, b)) for a in touched for b in others if a != b}):
            pair = (site, item, first, second)
            cause = causes.get((site, item, second)) or causes[site, item, first]
            why = f"results of {first} and {second} agree by now, after result {cause.key}"
            if pair not in left:
                found += _follow(cause, pair, facts.disputed, set(), set(), why)
    return found


def dispute_joined(written: Sequence[Written], facts: AliasFacts | None) -> list[Operation]:
    """What follows when two lots are found to be one part, or two after all: results of both are compared.

    A disagreement that is about nothing any more, since the lots were parted, lapses: nobody need decide it.
    """
    known = facts.joined if facts is not None else None
    if not isinstance(known, JoinedFacts):
        return []
    joined, found = dict(known.joined), []
    disputed = dict(known.disputed)
    for alias in written:
        before = disagreed(renamed(known.measured, meant_by(joined.values())))
        values = {**alias.asked.current, **alias.asked.fields}
        site, number = alias.asked.home, alias.key
        joined.pop((site, number), None)
        if values.get("same", True) and values.get("other"):
            joined[site, number] = (site, str(values["other"]), str(values["lot"]))
        after = disagreed(renamed(known.measured, meant_by(joined.values())))
        names = f"{values.get('lot')} and {values.get('other')}"
        told = f"{names} are one part" if (site, number) in joined else f"{names} are two parts"
        for pair in sorted({*before, *after}):
            stands, were = after.get(pair, set()), before.get(pair, set())
            if stands == were:
                continue
            for operation in _follow(alias, pair, disputed, stands, stands - were, told):
                found.append(operation)
                state = "lapsed" if operation.fields.get("command") == "lapse" else "open"
                place = (pair[0], dispute_number(pair[1], pair[2:]))
                disputed[place] = Standing(operation.object, state)
    return found


def _follow(
    cause: Written,
    pair: Pair,
    disputed: Mapping[tuple[str, str], Standing],
    contrasts: set[Contrast],
    fresh: set[Contrast],
    why: str,
) -> list[Operation]:
    """Open the pair's disagreement, open it again, or let it lapse; nothing where it stands as it should."""
    site, item, first, second = pair
    number = dispute_number(item, (first, second))
    standing = disputed.get((site, number))
    if standing is None:
        if not contrasts:
            return []
        fields = {"number": number, "item": item, "first": first, "second": second}
        return [_operation(cause, pair, "dispute", Kind.SET, fields, why)]
    open_ = standing.state == "open"
    command = "lapse" if open_ and not contrasts else "reopen" if fresh and not open_ else ""
    given = {"command": command, "from": standing.state}
    return [_operation(cause, pair, command, Kind.COMMAND, given, why, standing.object)] if command else []


def _lots(contrasts: Iterable[Contrast]) -> str:
    names = sorted({one.lot for one in contrasts})
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def measured_of(result: Written, facts: ResultFacts) -> Measured | None:
    """A result as it is compared with another laboratory's; None when item or laboratory is not told."""
    values = {**result.asked.current, **result.asked.fields}
    if values.get("item") is None or values.get("laboratory") is None:
        return None
    cited = facts.cited.get((result.asked.home, str(values.get("specification"))))
    codes = {finding.code for finding in result.findings}
    conforms: bool | None
    if cited is not None and "unit_differs" not in codes:
        conforms = "out_of_limits" not in codes
    else:
        conforms = None if values.get("judged") is None else values["judged"] == "pass"
    nominal = values.get("nominal")
    return Measured(
        key=result.key,
        site=result.asked.home,
        item=str(values["item"]),
        lot=facts.meant.get((result.asked.home, str(values["lot"])), str(values["lot"])),
        laboratory=str(values["laboratory"]),
        subject=cited.number if cited else "",
        alike=alike(values.get("kind"), None if nominal is None else Decimal(str(nominal))),
        conforms=conforms,
        inspection=str(values.get("inspection") or ""),
        series=int(values.get("series") or 0),
        named=named(values.get("characteristic"), values.get("sample"), result.key),
    )


def _operation(
    cause: Written, pair: Pair, what: str, kind: Kind, fields: dict[str, str], reason: str, object_: str = ""
) -> Operation:
    """An operation of the hub on the pair's disagreement; its ids follow from the cause."""
    asked = cause.asked.operation
    site, item, first, second = pair
    name = f"{what} {dispute_number(item, (first, second))}"
    return Operation(
        id=derived_id(cause.seq, name),
        type="disagreement",
        object=object_ or derived_id(cause.seq, name, "disagreement"),
        kind=kind,
        at=asked.at,
        zone=asked.zone,
        actor="hub",
        site=site,
        fields=fields,
        reason=reason,
        requires=(asked.id,),
    )
