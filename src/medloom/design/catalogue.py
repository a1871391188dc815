"""Importing device records: what each would change of what stands, as operations of the registrant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from medloom.design.gudid import Read
from medloom.kernel.act import Act
from medloom.kernel.cursor import open_cursor
from medloom.kernel.entity import catalogue
from medloom.kernel.meaning import Refused
from medloom.kernel.parts import standing_lines
from medloom.wire.operation import Operation
from medloom.wire.verdict import Refusal

#: Fields that tell a record's age and nothing of the device.
EDITION = {"edition", "edition_on"}


@dataclass
class Plan:
    """What one record would be: `new`, `changed` (with the fields), `same` or `refused`."""

    line: int
    di: str
    what: str
    brand: str = ""
    fields: tuple[str, ...] = ()
    operation: Operation | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Standing:
    """A device as it stands: its object, version and values in their wire form, lists included."""

    object: str
    version: int
    values: dict[str, Any] = field(default_factory=dict)


def standing(dis: Iterable[str]) -> dict[str, Standing]:
    """The devices of these identifiers that stand, read in three statements."""
    declared = catalogue()["device"]
    rows = list(declared.model._default_manager.filter(site="", key__in=sorted(set(dis)), version__gt=0))
    with open_cursor() as cursor:
        lines = standing_lines(cursor, declared, [row.num for row in rows], catalogue())
    found = {}
    for row in rows:
        values = {name: f.wire(getattr(row, f.attname)) for name, f in declared.fields.items()}
        found[row.key] = Standing(str(row.object), row.version, {**values, **lines[row.num]})
    return found


def plan(
    read: Sequence[Read],
    stands: dict[str, Standing],
    *,
    act: Act,
    reason: str,
    earlier: Collection[str] = (),
) -> list[Plan]:
    """One plan for each record; a second record of one identifier is refused, whatever it says.

    earlier  identifiers of records of the same file that were planned before
    """
    found, seen = [], set(earlier)
    for each in read:
        one = _plan(each, stands.get(each.di), act=act, reason=reason)
        if each.di in seen and one.refusal is None:
            refusal = Refusal(code="gudid_twice", path="/deviceId", expected="each device once", got=each.di)
            one = Plan(each.line, each.di, "refused", one.brand, refusal=refusal)
        seen.add(each.di)
        found.append(one)
    return found


def _plan(each: Read, stands: Standing | None, *, act: Act, reason: str) -> Plan:
    brand = str(each.fields.get("brand", ""))
    if each.refusal is None:
        try:
            values = _canonical(each.fields)
        except _Unfit as unfit:
            each.refusal = unfit.refusal
    if each.refusal is not None:
        return Plan(each.line, each.di, "refused", brand, refusal=each.refusal)
    if stands is None:
        operation = act.create("device", site="", fields=values, reason=reason)
        return Plan(each.line, each.di, "new", brand, tuple(values), operation)
    # What the file does not say is not taken away: a release is no word about our own remarks.
    changed = {n: v for n, v in values.items() if v != stands.values.get(n)}
    if not changed or (changed.keys() <= EDITION and _older(values, stands.values)):
        return Plan(each.line, each.di, "same", brand)
    if (refusal := _older(values, stands.values)) is not None:
        return Plan(each.line, each.di, "refused", brand, refusal=refusal)
    operation = act.change(
        "device", stands.object, site="", base=stands.version, fields=changed, reason=reason
    )
    return Plan(each.line, each.di, "changed", brand, tuple(changed), operation)


def _older(values: dict[str, Any], stands: dict[str, Any]) -> Refusal | None:
    """Why a record may not replace what stands: it is of an earlier edition, or says nothing of its age.

    Releases are read in any order. Editions are compared by their number where both have one, else by day.
    """
    for name in ("edition", "edition_on"):
        known, came = stands.get(name), values.get(name)
        if known is not None and came is not None:
            if came >= known:
                return None
            return Refusal(code="gudid_older", path=f"/{name}", expected=f">= {known}", got=str(came))
    known = stands.get("edition_on") or stands.get("edition")
    if known is None or values.get("edition") is not None:
        return None  # records have numbers since GUDID counts their editions: one with a number is newer
    got = str(values.get("edition_on") or "no edition, no day")
    return Refusal(code="gudid_older", path="/edition_on", expected=f">= {known}", got=got)


class _Unfit(ValueError):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def _canonical(fields: dict[str, Any]) -> dict[str, Any]:
    declared = catalogue()["device"]
    values: dict[str, Any] = {}
    for name, value in fields.items():
        try:
            lines = declared.lines.get(name)
            values[name] = lines.canonical(value) if lines else declared.slots[name].accept(value)
        except Refused as refused:
            got = str(value)[:80]
            refusal = Refusal(code=refused.code, path=f"/{name}", expected=refused.expected, got=got)
            raise _Unfit(refusal) from refused
    return values
