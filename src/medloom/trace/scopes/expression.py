"""What a scope asks, as typed values and as one line of text that a person can read. Pure.

    affected({machine = "M01"; day = 2026-11-01..2026-11-03} or {lot = "RM-7"; site = "SZ"})

A group in braces is a set of lots: all its conditions hold. Sets are joined by `or` (union), `and`
(intersection) and `except` (difference), read from left to right; brackets group. `affected` is the set and
all that was made of it, `origin` the set and all that it was made of, `used_in` what it went into directly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from medloom.trace.scopes.dimensions import DIMENSIONS, Condition, condition
from medloom.trace.scopes.refusal import ScopeRefused

OPERATIONS = ("or", "and", "except")
WALKS = ("affected", "origin", "used_in")
TEXT_LENGTH_MAX = 4_000
#: Groups and operations of one expression, and how deep it may be: a person's question has three or four.
NODES_MOST = 60
DEPTH_MAX = 12
CONDITIONS_MOST = 12


@dataclass(frozen=True)
class Group:
    """The lots of which all these conditions hold."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Joined:
    """Two sets joined: "or" in either, "and" in both, "except" in the first and not in the second."""

    operation: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Walk:
    """A set and what the genealogy leads to from it."""

    way: str
    of: Expression


Expression = Group | Joined | Walk


def group(*conditions: Condition) -> Group:
    """A group in its one form: conditions in the order of the dimensions, each dimension once.

    Raises ScopeRefused: group_empty, dimension_twice, beside_missing, too_many_conditions.
    """
    order = list(DIMENSIONS)
    kept = tuple(sorted(conditions, key=lambda one: order.index(one.name)))
    names = [one.name for one in kept]
    if not kept:
        raise ScopeRefused("group_empty", "{}", "at least one condition")
    if len(kept) > CONDITIONS_MOST:
        raise ScopeRefused("too_many_conditions", "{}", f"at most {CONDITIONS_MOST}", str(len(kept)))
    for name in names:
        if names.count(name) > 1:
            raise ScopeRefused("dimension_twice", name, "each condition once in a group; join groups with or")
        beside = DIMENSIONS[name].within
        if beside and beside not in names:
            raise ScopeRefused("beside_missing", name, f"{beside} in the same group")
    return Group(kept)


def text_of(expression: Expression) -> str:
    """The one text of an expression; `parse` gives the same expression back."""
    if isinstance(expression, Group):
        return "{" + "; ".join(map(_condition_text, expression.conditions)) + "}"
    if isinstance(expression, Walk):
        return f"{expression.way}({text_of(expression.of)})"
    right = text_of(expression.right)
    if isinstance(expression.right, Joined):
        right = f"({right})"
    return f"{text_of(expression.left)} {expression.operation} {right}"


def _condition_text(one: Condition) -> str:
    if one.values:
        quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in one.values)
        return f"{one.name} = {', '.join(quoted)}"
    return f"{one.name} = {one.low}..{one.high}"


def groups_of(expression: Expression) -> Iterator[Group]:
    """Its groups, from left to right."""
    if isinstance(expression, Group):
        yield expression
    elif isinstance(expression, Walk):
        yield from groups_of(expression.of)
    else:
        yield from groups_of(expression.left)
        yield from groups_of(expression.right)


_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<range>[-+0-9.:TZ]*\.\.[-+0-9.:TZ]*)|(?P<word>[a-z_]+)"""
    r"""|(?P<bare>-?[0-9][-+0-9.:TZ]*)|(?P<mark>[{}();=,]))"""
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text.rstrip()):
        hit = _TOKEN.match(text, at)
        if hit is None:
            raise ScopeRefused(
                "expression_wrong", str(at), "a name, a value or a bracket", text[at : at + 20]
            )
        kind = str(hit.lastgroup)
        found.append(_Token(kind, hit[kind], hit.start(kind)))
        at = hit.end()
    return found


class _Reader:
    """Reads tokens from left to right; knows how deep it is and how much it has made."""

    def __init__(self, text: str) -> None:
        self.tokens, self.at, self.length, self.nodes = _tokens(text), 0, len(text), 0

    def look(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> _Token:
        if self.at >= len(self.tokens):
            raise ScopeRefused("expression_wrong", str(self.length), " or ".join(expected), "the end")
        token = self.tokens[self.at]
        if token.text not in expected and token.kind not in expected:
            raise ScopeRefused("expression_wrong", str(token.at), " or ".join(expected), token.text[:40])
        self.at += 1
        return token

    def made(self, expression: Expression) -> Expression:
        self.nodes += 1
        if self.nodes > NODES_MOST:
            raise ScopeRefused("too_complex", "expression", f"at most {NODES_MOST} groups and operations")
        return expression

    def joined(self, depth: int) -> Expression:
        if depth > DEPTH_MAX:
            raise ScopeRefused("too_complex", "expression", f"brackets at most {DEPTH_MAX} deep")
        left = self.one(depth)
        while self.look() in OPERATIONS:
            operation = self.take(*OPERATIONS).text
            left = self.made(Joined(operation, left, self.one(depth)))
        return left

    def one(self, depth: int) -> Expression:
        token = self.take("{", "(", *WALKS)
        if token.text == "{":
            return self.made(self.conditions())
        if token.text in WALKS:
            self.take("(")
        inner = self.joined(depth + 1)
        self.take(")")
        return self.made(Walk(token.text, inner)) if token.text in WALKS else inner

    def conditions(self) -> Group:
        found = [self.condition()]
        while self.take(";", "}").text == ";":
            found.append(self.condition())
        return group(*found)

    def condition(self) -> Condition:
        name = self.take("word").text
        self.take("=")
        token = self.take("text", "range", "bare")
        if token.kind == "range":
            low, _, high = token.text.partition("..")
            return condition(name, low=low, high=high)
        values = [_plain(token)]
        while self.look() == ",":
            self.take(",")
            values.append(_plain(self.take("text", "bare")))
        return condition(name, values=tuple(values))


def _plain(token: _Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1]) if token.kind == "text" else token.text


def parse(text: str) -> Expression:
    """The expression that a text says. Raises ScopeRefused, with the place in the text as its path."""
    if len(text) > TEXT_LENGTH_MAX:
        raise ScopeRefused(
            "too_complex", "expression", f"at most {TEXT_LENGTH_MAX} characters", str(len(text))
        )
    reader = _Reader(text)
    found = reader.joined(0)
    if reader.at < len(reader.tokens):
        token = reader.tokens[reader.at]
        raise ScopeRefused("expression_wrong", str(token.at), "or, and, except or the end", token.text[:40])
    return found
