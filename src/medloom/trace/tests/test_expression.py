"""A scope's question as values and as text: one form, and back again."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    groups_of,
    parse,
    text_of,
)
from medloom.trace.scopes.refusal import ScopeRefused

pytestmark = pytest.mark.pure


def conditions(name: str) -> st.SearchStrategy[Condition]:
    kind = DIMENSIONS[name].kind
    if kind == "key":
        words = st.text(
            st.characters(blacklist_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=12
        )
        return st.lists(words.filter(lambda w: w == w.strip()), min_size=1, max_size=4).map(
            lambda values: condition(name, values=tuple(values))
        )
    ends: st.SearchStrategy[str] = (
        st.dates().map(lambda day: day.isoformat())
        if kind == "day"
        else st.decimals(min_value=-999, max_value=999, places=3).map(lambda n: f"{n:f}")
    )
    if kind == "moment":
        ends = st.datetimes(timezones=st.just(dt.UTC)).map(lambda at: at.isoformat(timespec="seconds"))
    plain = float if kind == "number" else str
    both = st.tuples(ends, ends).map(lambda pair: sorted(pair, key=plain))
    return st.one_of(
        both.map(lambda pair: condition(name, low=pair[0], high=pair[1])),
        ends.map(lambda end: condition(name, low=end)),
        ends.map(lambda end: condition(name, high=end)),
    )


def groups() -> st.SearchStrategy[Group]:
    alone = [name for name, dimension in DIMENSIONS.items() if not dimension.within]
    return st.lists(st.sampled_from(alone), min_size=1, max_size=4, unique=True).flatmap(
        lambda names: st.tuples(*map(conditions, names)).map(lambda found: group(*found))
    )


EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    groups(),
    lambda inner: st.one_of(
        st.builds(Joined, st.sampled_from(OPERATIONS), inner, inner),
        st.builds(Walk, st.sampled_from(WALKS), inner),
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_the_text_gives_the_same_expression_back(expression: Expression) -> None:
    text = text_of(expression)
    assert parse(text) == expression
    assert text_of(parse(text)) == text


def test_a_person_can_read_and_write_it() -> None:
    text = 'affected({machine = "M01"; day = 2026-11-01..2026-11-03} or {lot = "RM-7", "RM 8"})'
    found = parse(' affected ( {day=2026-11-01..2026-11-03;machine="M01"}or{lot="RM-7" , "RM 8","RM-7"} ) ')
    assert text_of(found) == text.replace('"RM-7", "RM 8"', '"RM 8", "RM-7"')
    assert [one.name for one in next(groups_of(found)).conditions] == ["machine", "day"]


def test_operations_are_read_from_left_to_right() -> None:
    plain = parse('{lot = "A"} or {lot = "B"} except {lot = "C"}')
    assert plain == parse('({lot = "A"} or {lot = "B"}) except {lot = "C"}')
    assert plain != parse('{lot = "A"} or ({lot = "B"} except {lot = "C"})')


def test_one_value_of_a_range_is_the_range_that_holds_it() -> None:
    assert text_of(parse("{day = 2026-11-01}")) == "{day = 2026-11-01..2026-11-01}"
    assert (
        text_of(parse('{parameter = "FEED"; reading = 0.150..}')) == '{parameter = "FEED"; reading = 0.15..}'
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "expression_wrong"),
        ("{}", "expression_wrong"),
        ('{lot = "A"', "expression_wrong"),
        ('{lot = "A"} {lot = "B"}', "expression_wrong"),
        ('{lot = "A"} or', "expression_wrong"),
        ("{lot = A}", "expression_wrong"),
        ('{colour = "red"}', "dimension_unknown"),
        ('{lot = "A"; lot = "B"}', "dimension_twice"),
        ('{lot = "  "}', "value_wrong"),
        ('{lot = "a\nb"}', "value_wrong"),
        ("{lot = 1..2}", "condition_empty"),
        ("{day = 2026-02-30..}", "value_wrong"),
        ("{day = ..}", "condition_empty"),
        ("{day = 2026-11-03..2026-11-01}", "range_reversed"),
        ('{parameter = "P"; reading = 10..9.5}', "range_reversed"),
        ("{time = 2026-11-01T08:00..}", "value_wrong"),
        ("{reading = 1..2}", "beside_missing"),
        ("(" * 40 + '{lot = "A"}' + ")" * 40, "too_complex"),
        (" or ".join(['{lot = "A"}'] * (NODES_MOST + 1)), "too_complex"),
        ("x" * 5_000, "too_complex"),
        ("; drop table lot", "expression_wrong"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_code(text: str, code: str) -> None:
    with pytest.raises(ScopeRefused) as found:
        parse(text)
    assert found.value.code == code
    assert found.value.expected


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except ScopeRefused as refused:
        assert refused.code and refused.path
    else:
        assert parse(text_of(found)) == found
