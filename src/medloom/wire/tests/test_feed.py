"""A site's state is folded from its lines, whatever their order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from medloom.wire.canonical import dumps
from medloom.wire.feed import FeedLine, fold
from medloom.wire.operation import Kind
from medloom.wire.sheet import Head, Lifecycle, Sheet, Step
from medloom.wire.tests.examples import operation

pytestmark = pytest.mark.pure
SHEET = Sheet(
    type="order",
    kinds=frozenset(Kind),
    lifecycle=Lifecycle("draft", (Step("start", ("reported",), "started"),), "reported"),
)


def line(version: int, kind: Kind, fields: dict[str, Any], after: dict[str, Any] | None = None) -> FeedLine:
    made = operation(type="order", kind=kind, fields=fields, source=None)
    decision = dumps({"after": after}).decode() if after is not None else ""
    return FeedLine(
        position=version, hub="0" * 32, seq=version, id=str(version), site="A", verdict="accepted",
        type="order", object="x", home="A", version=version, body=dumps(made).decode(), decision=decision,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "commanded", "state"),
    [
        (Kind.OBSERVE, False, "reported"),
        (Kind.OBSERVE, True, "started"),
        (Kind.SET, False, "draft"),
        (Kind.SET, True, "started"),
    ],
)
def test_the_state_of_an_observed_object_follows_from_its_lines(
    kind: Kind, commanded: bool, state: str
) -> None:
    lines = [line(1, kind, {"note": "a"}), line(2, Kind.SET, {"note": "b"}, {"note": "b"})]
    if commanded:
        lines.append(line(3, Kind.COMMAND, {"command": "start"}, {"state": "started"}))
    for order in permutations([*lines, lines[0]]):
        heads: dict[str, Head] = {}
        for each in order:
            fold(heads, each, {"order": SHEET})
        assert (heads["x"].state, heads["x"].values["note"]) == (state, "b"), order
