"""Released revisions are fixed, limits do not cross."""

from __future__ import annotations

from decimal import Decimal

import pytest

from medloom.design.rules import Revisions, admit_revision, limits_text, next_revision
from medloom.kernel.tests.asking import ask

pytestmark = pytest.mark.pure


def refusal(asked, states=None, **facts) -> str:
    found = admit_revision(asked, Revisions(states or {}, **facts)).refusal
    return found.code if found else ""


def test_only_a_draft_is_changed() -> None:
    change = ask("parameter", {"high": "5"}, kind="set", base=1, num=7, current={"low": "1"})
    assert refusal(change, {7: "draft"}) == ""
    assert refusal(change, {7: "released"}) == "revision_fixed"
    within_batch = ask("parameter", {"high": "5"}, kind="set", base=1, num=7, current={"state": "released"})
    assert refusal(within_batch, {7: "draft"}) == "revision_fixed"
    assert refusal(ask("bom", {"command": "retire"}, kind="command", num=7), {7: "released"}) == ""


def test_one_revision_of_a_document_is_released_at_a_time() -> None:
    release = ask("bom", {"command": "release"}, kind="command", num=7, id="op-1")
    assert refusal(release, {7: "draft"}) == ""
    assert refusal(release, {7: "draft"}, stands={"op-1": ()}) == ""
    assert refusal(release, {7: "draft"}, stands={"op-1": ("1",)}) == "revision_stands"
    assert refusal(release, {7: "draft"}, stands={"op-2": ("1",)}) == ""
    retire = ask("bom", {"command": "retire"}, kind="command", num=7, id="op-1")
    assert refusal(retire, {7: "released"}, stands={"op-1": ("1",)}) == ""


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"low": "1", "target": "2", "high": "3"}, ""),
        ({"low": "1", "high": "0.5"}, "limits_crossed"),
        ({"target": "4", "high": "3"}, "limits_crossed"),
        ({"target": "4"}, ""),
        ({}, ""),
    ],
)
def test_limits_do_not_cross(fields: dict, code: str) -> None:
    assert refusal(ask("parameter", fields, kind="set")) == code


def test_limits_in_words() -> None:
    assert limits_text(Decimal("1.50"), None, "mm") == "1.5 to open mm"


@pytest.mark.parametrize(
    ("stands", "following"),
    [
        *(("1", "2"), ("9", "10"), ("09", "10"), ("R7", "R8"), ("1.9", "1.10")),
        *(("A", "B"), ("Z", "AA"), ("draft", "draft-2")),
    ],
)
def test_a_revision_has_a_following_one(stands: str, following: str) -> None:
    assert next_revision(stands) == following
