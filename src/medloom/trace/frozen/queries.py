"""Frozen scopes: read before they are judged, written with the entry that froze them, compared later.

A freeze says in its operation which lines it froze, by their digest. The lines themselves are found again by
the hub, in the transaction that accepts it: a hundred thousand of them are no operation's size, and a
digest that the hub could not repeat would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medloom.kernel.rows import HeadMoved
from medloom.kernel.ruling import Asked, Written
from medloom.trace.accounts.queries import handed_over, lines
from medloom.trace.frozen.handed import Handed, in_order
from medloom.trace.frozen.lines import LINES_MOST, Line, digest
from medloom.trace.rules import Freeze, ScopeFacts
from medloom.trace.scopes.balance import Balance
from medloom.trace.scopes.bounds import PAGE_S, bounded
from medloom.trace.scopes.expression import Expression, parse
from medloom.trace.scopes.queries import evaluate, newest
from medloom.trace.scopes.refusal import ScopeRefused
from medloom.wire.judge import HQ
from medloom.wire.operation import Kind


@dataclass(frozen=True)
class Drawn:
    """The answer of a scope at one moment. `as_of` is the newest record there was before it was asked."""

    lines: tuple[Line, ...]
    digest: str
    as_of: int
    cut: bool
    unnamed: int
    handed: tuple[Handed, ...] = ()

    @property
    def devices(self) -> int:
        """Serialised devices in it."""
        return sum(line.devices for line in self.lines)


def draw(
    cursor: Any, expression: Expression, text: str, *, most: int = LINES_MOST, seconds: float = PAGE_S
) -> Drawn:
    """Ask a scope with everything that is shown and frozen of it. Raises ScopeRefused: scope_too_slow."""
    with bounded(cursor, seconds) as asked:
        as_of = newest(asked)
        found = evaluate(asked, expression, most=most)
        asked.at = text
        told = tuple(lines(asked, found.portions))
        handed = tuple(handed_over(asked, lots_of(told)))
    return Drawn(told, digest(text, told, handed), as_of, found.cut, found.unnamed, handed)


def lots_of(told: Iterable[Line]) -> dict[int, tuple[str, str]]:
    """Internal number -> plant and number of the lots of these lines."""
    return {line.lot: (line.site, line.key) for line in told}


def scope_facts(cursor: Any, asked: Sequence[Asked]) -> ScopeFacts:
    """What the scopes to be frozen hold now, and which expressions cannot be read."""
    texts: dict[str, str] = {}
    wrong: dict[str, ScopeRefused] = {}
    freezes: dict[str, Freeze] = {}
    for one in asked:
        text = one.fields.get("expression") or one.current.get("expression")
        if text is not None:
            texts[one.operation.object] = str(text)
        if one.fields.get("expression") is not None:
            try:
                parse(str(text))
            except ScopeRefused as refused:
                wrong[one.operation.id] = refused
                texts.pop(one.operation.object, None)
    for one in asked:
        text = texts.get(one.operation.object)
        if one.operation.kind is Kind.COMMAND and text is not None:
            try:
                drawn = draw(cursor, parse(text), text)
            except ScopeRefused as refused:
                wrong[one.operation.id] = refused
                continue
            freezes[one.operation.id] = Freeze(
                drawn.digest, len(drawn.lines), drawn.devices, drawn.cut, len(drawn.handed)
            )
    return ScopeFacts(freezes, wrong)


def keep_lines(cursor: Any, written: Sequence[Written]) -> None:
    """Write the lines of scopes frozen just now. Raises HeadMoved when they became others since judged."""
    for one in written:
        if one.asked.operation.kind is not Kind.COMMAND:
            continue
        text = str(one.asked.current["expression"])
        try:
            drawn = draw(cursor, parse(text), text)
        except ScopeRefused as refused:  # it was in time when it was judged: judge it again
            raise HeadMoved(f"scope {one.key}") from refused
        if drawn.digest != one.asked.fields["digest"]:
            raise HeadMoved(f"scope {one.key}")
        _insert(cursor, one.num, drawn.lines)
        _keep_handed(cursor, one.num, drawn.handed)


_COLUMNS = (
    ("scope", "bigint"), ("lot", "bigint"), ("site", "text"), ("distance", "integer"), ("via", "bigint"),
    ("entry", "bigint"), ("devices", "integer"), ("ranges", "text"), ("unit", "text"), ("made", "numeric"),
    ("stock", "numeric"), ("shipped", "numeric"), ("scrapped", "numeric"), ("consumed", "numeric"),
    ("returned", "numeric"), ("unsaid", "integer"), ("meant", "text"),
)  # fmt: skip


def _insert(cursor: Any, scope: int, told: Sequence[Line]) -> None:
    _add(cursor, "scope_line", _COLUMNS, [
        (
            scope, line.lot, line.site, line.distance, line.via, line.entry, line.devices, line.ranges,
            line.balance.unit, line.balance.made, line.balance.stock, line.balance.shipped,
            line.balance.scrapped, line.balance.consumed, line.balance.returned, line.balance.unsaid,
            line.meant,
        )
        for line in told
    ])  # fmt: skip


_HANDED = (
    ("scope", "bigint"), ("line", "integer"), ("site", "text"), ("kind", "text"), ("plant", "text"),
    ("number", "text"), ("record", "bigint"), ("entry", "bigint"), ("lot", "bigint"), ("consignee", "text"),
    ("region", "text"), ("unit", "text"), ("quantity", "numeric"), ("day", "date"), ("first", "text"),
    ("last", "text"), ("package", "text"), ("sscc", "text"),
)  # fmt: skip


def _keep_handed(cursor: Any, scope: int, handed: Sequence[Handed]) -> None:
    _add(cursor, "scope_handed", _HANDED, [
        (
            scope, at, HQ, one.kind, one.site, one.number, one.record, one.entry, one.lot, one.consignee,
            one.region, one.unit, one.quantity, one.day, one.first, one.last, one.package, one.sscc,
        )
        for at, one in enumerate(in_order(handed), 1)
    ])  # fmt: skip


def _add(cursor: Any, table: str, declared: Sequence[tuple[str, str]], rows: Sequence[Any]) -> None:
    if not rows:
        return
    names = ", ".join(name for name, _ in declared)
    arrays = ", ".join(f"%s::{kind}[]" for _, kind in declared)
    columns = [[row[at] for row in rows] for at in range(len(declared))]
    cursor.execute(f"insert into {table} ({names}) select * from unnest({arrays})", columns)


_LINES = """
    select l.lot, l.site, n.key, l.distance, l.via, l.entry, l.devices, l.ranges, l.unit, l.made, l.stock,
           l.shipped, l.scrapped, l.consumed, l.returned, l.unsaid, l.meant
    from scope_line l join lot n on n.num = l.lot where l.scope = %s"""


def frozen_lines(cursor: Any, scope: int) -> list[Line]:
    """The lines of a frozen scope, as far as the caller may see them."""
    return [_line(row) for row in cursor.execute(_LINES, (scope,)).fetchall()]


_FROZEN_HANDED = """
    select h.kind, h.plant as site, h.number, h.record, h.entry, h.lot, l.site as home, l.key, h.consignee,
           h.consignee <> '' as named, h.region, h.unit, h.quantity, h.day, h.first, h.last, h.package, h.sscc
    from scope_handed h join lot l on l.num = h.lot where h.scope = %s order by h.line"""


def frozen_handed(cursor: Any, scope: int) -> list[Handed]:
    """What went to whom when a scope was frozen; for the registrant alone, as the scope is."""
    return [Handed(**row) for row in cursor.execute(_FROZEN_HANDED, (scope,)).fetchall()]


def _line(row: Mapping[str, Any]) -> Line:
    sums = {
        name: row[name]
        for name in ("unit", "made", "stock", "shipped", "scrapped", "consumed", "returned", "unsaid")
    }
    named = ("lot", "site", "key", "distance", "via", "entry", "devices", "ranges", "meant")
    head = {name: row[name] for name in named}
    return Line(balance=Balance(**sums), **head)
