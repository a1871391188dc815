"""What a GraphQL question may cost, counted on its text before anything is looked up.

Depth, aliases, tokens and an estimate of the objects it would read; fragments count wherever they are used,
and one that uses itself is refused. Introspection is off: the schema is published beside the interface.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from medloom.derive.graphql import FIRST, FIRST_MOST
from medloom.interfaces.api.problem import Problem

TOKENS_MOST = 2_000
DEPTH_MOST = 10
ALIASES_MOST = 20
#: Fields that stand a second time in one selection, fragments in place.
REPEATS_MOST = 40
#: Values that one question may read, estimated: a page of 200 with 20 fields and five relations fits.
COST_MOST = 20_000
#: Selections looked at while counting; a bomb of nested fragments stops here.
VISITS_MOST = 10_000


@dataclass
class _Count:
    """What was counted so far of one question."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    aliases: int = 0
    repeats: int = 0
    cost: int = 0
    visits: int = 0
    open: list[str] = field(default_factory=list)

    def walk(
        self, selections: SelectionSetNode | None, depth: int, times: int, seen: set[str] | None = None
    ) -> None:
        """Count a selection that is read `times` times; `seen` are the names that its answer has already."""
        if selections is None:
            return
        seen = set() if seen is None else seen
        if depth > DEPTH_MOST:
            raise Problem(400, "query_too_deep", expected=f"at most {DEPTH_MOST} levels")
        for node in selections.selections:
            self.visits += 1
            if self.visits > VISITS_MOST:
                raise Problem(400, "query_too_costly", expected=f"at most {VISITS_MOST} selections")
            if isinstance(node, FieldNode):
                self._field(node, depth, times, seen)
            elif isinstance(node, FragmentSpreadNode):
                self._fragment(node.name.value, depth, times, seen)
            elif isinstance(node, InlineFragmentNode):
                self.walk(node.selection_set, depth, times, seen)

    def _field(self, node: FieldNode, depth: int, times: int, seen: set[str]) -> None:
        name = node.name.value
        if name in ("__schema", "__type"):
            raise Problem(400, "introspection_off", expected="/api/schema.graphql")
        if node.alias is not None:
            self.aliases += 1
            if self.aliases > ALIASES_MOST:
                raise Problem(400, "query_too_wide", expected=f"at most {ALIASES_MOST} aliases")
        told = node.alias.value if node.alias is not None else name
        if told in seen:
            # The ordinary check compares each with each, and what is below them too.
            self.repeats += 1
            if self.repeats > REPEATS_MOST:
                raise Problem(400, "query_too_wide", expected=f"at most {REPEATS_MOST} fields named again")
        seen.add(told)
        self.cost += times
        if self.cost > COST_MOST:
            raise Problem(400, "query_too_costly", expected=f"at most {COST_MOST} values")
        paged = depth == 1 and name.endswith("_page")
        self.walk(node.selection_set, depth + 1, times * self._first(node) if paged else times)

    def _first(self, node: FieldNode) -> int:
        """The size of a page; the largest where it cannot be known yet."""
        for argument in node.arguments or ():
            if argument.name.value == "limit":
                value = argument.value
                told = self.variables.get(value.name.value) if isinstance(value, VariableNode) else None
                if isinstance(value, IntValueNode) and len(value.value) < 9:
                    told = int(value.value)
                return min(max(told, 1), FIRST_MOST) if type(told) is int else FIRST_MOST
        return FIRST

    def _fragment(self, name: str, depth: int, times: int, seen: set[str]) -> None:
        found = self.fragments.get(name)
        if found is None:
            return  # the ordinary check names it
        if name in self.open:
            raise Problem(400, "query_too_deep", expected="no fragment that uses itself", got=name[:60])
        self.open.append(name)
        self.walk(found.selection_set, depth, times, seen)
        self.open.pop()


def must_be_cheap(document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """The estimated cost of a document. Raises Problem 400 for one beyond any limit."""
    nodes = document.definitions
    fragments = {n.name.value: n for n in nodes if isinstance(n, FragmentDefinitionNode)}
    count = _Count(fragments, variables)
    for node in nodes:
        if isinstance(node, OperationDefinitionNode):
            count.walk(node.selection_set, 1, 1)
        elif isinstance(node, FragmentDefinitionNode):  # checked in full even where nothing uses it
            apart = _Count(fragments, variables, visits=count.visits, open=[node.name.value])
            apart.walk(node.selection_set, 2, 0)
            count.visits = apart.visits
    return count.cost
