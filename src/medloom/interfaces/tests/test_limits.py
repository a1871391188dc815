"""Whatever text is asked by GraphQL, what it costs to look at is bounded, and the refusal has a code."""

from __future__ import annotations

import itertools
import time

import pytest
from graphql import parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medloom.interfaces.api.graphql import schema
from medloom.interfaces.api.limits import TOKENS_MOST, must_be_cheap
from medloom.interfaces.api.problem import Problem

pytestmark = pytest.mark.pure
CODES = {"query_too_deep", "query_too_wide", "query_too_costly", "introspection_off"}
#: The longest that looking at a question may take, in processor time.
SECONDS_MOST = 2.0
LOTS = "{ lot_page(limit: 1) { items { %s } } }"
NAMES = "abcdefghij"
COSTLY = {
    "the same field": LOTS % ("key " * 1_900),
    "the same relation": LOTS % ("item { key } " * 450),
    "the same in inline fragments": LOTS % ("... on Lot { item { key } } " * 200),
    "one fragment many times": LOTS % ("...a " * 900) + " fragment a on Lot { item { key } }",
    "the same page": "{ " + "lot_page { next } " * 400 + "}",
    "names of types": "{ " + "__typename " * 1_990 + "}",
    "in a fragment that nothing uses": "{ lot_page { next } } fragment a on Lot { "
    + "item { key } " * 450
    + "}",
    "fragments of fragments": (LOTS % "...a")
    + " ".join(
        f"fragment {a} on Lot {{ ...{b} item {{ key }} ...{b} }}" for a, b in itertools.pairwise(NAMES)
    )
    + " fragment j on Lot { key }",
}


def looked_at(query: str) -> tuple[str, float]:
    """The code of the refusal, "" when there is none; processor seconds that it took."""
    began = time.process_time()
    try:
        document = parse(query, max_tokens=TOKENS_MOST)
        must_be_cheap(document, {})
        validate(schema(), document, max_errors=5)
    except Problem as problem:
        return problem.code, time.process_time() - began
    return "", time.process_time() - began


@pytest.mark.parametrize("name", COSTLY)
def test_repetition_is_refused_before_each_is_compared_with_each(name: str) -> None:
    schema()
    code, took_s = looked_at(COSTLY[name])
    assert code in CODES and took_s < SECONDS_MOST, (code, took_s)


ABOVE = ["item", "b: item", "... on Lot", "... @include(if: true)", "...f item"]


def selections() -> st.SearchStrategy[str]:
    fields = st.sampled_from(["key", "id", "a: key", "item_key", "__typename", "...f", "...g", "state", "x"])
    return st.recursive(
        st.lists(fields, min_size=1, max_size=30).map(" ".join),
        lambda inner: st.lists(
            st.tuples(st.sampled_from(ABOVE), inner)
            .map(lambda pair: f"{pair[0]} {{ {pair[1]} }}"),
            min_size=1, max_size=6,
        ).map(" ".join),
        max_leaves=12,
    )  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(selections(), selections(), selections())
def test_any_nest_of_fragments_ends(query: str, one: str, other: str) -> None:
    text = LOTS % query + f" fragment f on Lot {{ {one} }} fragment g on Lot {{ {other} }}"
    code, took_s = looked_at(text)
    assert code in {"", *CODES} and took_s < SECONDS_MOST, (code, took_s, text)
