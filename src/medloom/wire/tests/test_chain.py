"""A chain's head notices every change, loss, addition and move."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medloom.wire.chain import (
    decision_text,
    entry_hash,
    feed_heads,
    feed_link,
    feed_start,
    operations_head,
    operations_start,
)
from medloom.wire.tests.examples import EPOCH

pytestmark = pytest.mark.pure
HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=8)


@given(HASHES, st.integers(0, 8))
def test_a_chain_may_be_built_in_parts(hashes: list[bytes], cut: int) -> None:
    start = operations_start(site="A", epoch=EPOCH, chain="v")
    part = operations_head(start, first=1, hashes=hashes[:cut])
    rest = operations_head(part, first=1 + len(hashes[:cut]), hashes=hashes[cut:])
    assert rest == operations_head(start, first=1, hashes=hashes)


@given(HASHES, HASHES)
def test_other_lines_give_another_head(one: list[bytes], other: list[bytes]) -> None:
    start = feed_start(site="A", feed="c")
    heads = [feed_heads(start, first=1, hub_epoch=EPOCH, entries=each) for each in (one, other)]
    last = [each[-1] if each else start for each in heads]
    assert (last[0] == last[1]) == (one == other)


def test_feed_heads_are_the_links_one_by_one() -> None:
    entries = [bytes([n]) * 32 for n in range(4)]
    head, singly = feed_start(site="A", feed="v"), []
    for position, entry in enumerate(entries, 7):
        head = feed_link(head, position=position, hub_epoch=EPOCH, entry=entry)
        singly.append(head)
    start = feed_start(site="A", feed="v")
    assert feed_heads(start, first=7, hub_epoch=EPOCH, entries=entries) == singly
    by_hand = hashlib.sha256(start + (7).to_bytes(8, "big") + bytes.fromhex(EPOCH) + entries[0]).digest()
    assert singly[0] == by_hand


def test_every_part_of_an_entry_is_in_its_hash() -> None:
    parts: list[dict[str, Any]] = [
        {},
        {"seq": 2},
        {"operation": b"p" * 32},
        {"verdict": "parked"},
        {"object": "y"},
        {"version": 3},
        {"decision": decision_text(after={"state": "open"}).encode()},
    ]
    base: dict[str, Any] = {
        "seq": 1,
        "operation": b"o" * 32,
        "verdict": "accepted",
        "object": "x",
        "version": 2,
        "decision": b"",
    }
    assert decision_text() == ""
    assert len({entry_hash(**(base | part)) for part in parts}) == len(parts)
