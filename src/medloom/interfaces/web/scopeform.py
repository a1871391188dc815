"""A scope's question as a form: blocks of conditions, each with what the genealogy is asked from it. Pure.

Every block is a group of conditions and a way; blocks are joined from top to bottom. What has brackets of
another shape stays text: both say the same question, and the address holds its text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from medloom.trace.scopes.dimensions import DIMENSIONS, Condition, condition
from medloom.trace.scopes.expression import (
    NODES_MOST,
    OPERATIONS,
    WALKS,
    Expression,
    Group,
    Joined,
    Walk,
    group,
)
from medloom.trace.scopes.refusal import ScopeRefused

BLOCKS_MOST = 12
ROWS_MOST = 12
_SEPARATORS = re.compile(r"[;；、,，\n\t]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Row:
    """One condition as the form shows it."""

    name: str = "lot"
    value: str = ""
    low: str = ""
    high: str = ""
    error: ScopeRefused | None = None

    @property
    def kind(self) -> str:
        """Which inputs are shown: "key" one, else two."""
        return DIMENSIONS[self.name].kind if self.name in DIMENSIONS else "key"


@dataclass(frozen=True)
class Block:
    """One block: how it is joined to those above, the way, its conditions."""

    join: str = "or"
    way: str = "affected"
    rows: tuple[Row, ...] = field(default=(Row(),))


def values_of(text: str) -> tuple[str, ...]:
    """What a person typed as values: parted by comma, semicolon or line; in quotes where a value has one."""
    quoted = _QUOTED.findall(text)
    if quoted:
        return tuple(re.sub(r"\\(.)", r"\1", each) for each in quoted)
    return tuple(each.strip() for each in _SEPARATORS.split(text) if each.strip())


def read_blocks(data: Mapping[str, str]) -> list[Block]:
    """The blocks that the form's fields say: join0, way0, name0-0, value0-0, low0-0, high0-0 and so on.

    Empty conditions beside filled ones are dropped: the form always offers one more.
    """
    places: dict[int, set[int]] = {}
    for name in data:
        hit = re.fullmatch(r"name(\d{1,3})-(\d{1,3})", name)
        if hit:
            places.setdefault(int(hit[1]), set()).add(int(hit[2]))
    blocks = []
    for at in sorted(places)[:BLOCKS_MOST]:
        rows = [
            Row(*(data.get(f"{part}{at}-{line}", "").strip() for part in ("name", "value", "low", "high")))
            for line in sorted(places[at])[:ROWS_MOST]
        ]
        kept = [row for row in rows if row.value or row.low or row.high] or rows[:1]
        join, way = data.get(f"join{at}", "or"), data.get(f"way{at}", "affected")
        blocks.append(Block(join if join in OPERATIONS else "or", way, tuple(kept)))
    filled = [block for block in blocks if any(row.value or row.low or row.high for row in block.rows)]
    return filled or blocks[:1] or [Block()]


def expression_of(blocks: Sequence[Block]) -> tuple[Expression | None, list[Block]]:
    """The question of the blocks, or None and the blocks with what is wrong beside each condition."""
    told, groups, wrong = [], [], False
    for block in blocks:
        conditions, rows = [], []
        for row in block.rows:
            try:
                conditions.append(_condition(row))
                rows.append(row)
            except ScopeRefused as refused:
                rows.append(replace(row, error=refused))
                wrong = True
        try:
            groups.append(group(*conditions) if conditions else None)
        except ScopeRefused as refused:
            rows = [replace(row, error=refused) if row.name == refused.path else row for row in rows]
            if not any(row.error for row in rows):
                rows[-1] = replace(rows[-1], error=refused)
            wrong = True
        told.append(replace(block, rows=tuple(rows)))
    if wrong or not groups or None in groups:
        return None, told
    found: Expression | None = None
    for block, one in zip(blocks, groups, strict=True):
        assert one is not None
        part: Expression = Walk(block.way, one) if block.way in WALKS else one
        found = part if found is None else Joined(block.join, found, part)
    return found, told


def _condition(row: Row) -> Condition:
    if row.kind == "key":
        return condition(row.name, values=values_of(row.value))
    low, high = row.low, row.high
    return condition(
        row.name, values=(row.value,) if row.value and not (low or high) else (), low=low, high=high
    )


def blocks_of(expression: Expression) -> list[Block] | None:
    """The same question as blocks, or None when it has another shape."""
    parts: list[tuple[str, Expression]] = []
    rest = expression
    while isinstance(rest, Joined) and len(parts) < NODES_MOST:
        parts.append((rest.operation, rest.right))
        rest = rest.left
    parts.append(("or", rest))
    blocks = []
    for join, part in reversed(parts):
        way, inner = (part.way, part.of) if isinstance(part, Walk) else ("only", part)
        alternatives = _alternatives(inner) if join == "or" or isinstance(inner, Group) else None
        if alternatives is None:
            return None
        blocks += [Block(join, way, tuple(map(_row, one.conditions))) for one in alternatives]
    return blocks if len(blocks) <= BLOCKS_MOST else None


def _alternatives(expression: Expression) -> list[Group] | None:
    """A union of groups as its groups: what a union leads to is the union of what its parts lead to."""
    if isinstance(expression, Group):
        return [expression]
    if isinstance(expression, Joined) and expression.operation == "or":
        left, right = _alternatives(expression.left), _alternatives(expression.right)
        return left + right if left is not None and right is not None else None
    return None


def _row(one: Condition) -> Row:
    if one.dimension.kind != "key":
        return Row(one.name, low=one.low, high=one.high)
    plain = not any(_SEPARATORS.search(value) or '"' in value for value in one.values)
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in one.values)
    return Row(one.name, value=", ".join(one.values if plain else quoted))
