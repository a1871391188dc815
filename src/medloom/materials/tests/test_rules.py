"""Stock that never goes below nought by request, holds, dispositions, near matches of lot numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from medloom.kernel.tests.asking import ask
from medloom.materials.rules import (
    LotFacts,
    MoveFacts,
    OpenHold,
    admit_hold,
    admit_lot,
    admit_move,
    changes,
    run,
    totals,
)
from medloom.wire.verdict import Verdict

pytestmark = pytest.mark.pure

STORE = ("A", "L1", "store", "free")


def move(kind: str, quantity: str, **more):
    envelope = {name: more.pop(name) for name in ("author", "current", "num", "seen") if name in more}
    shown = {"number": "M1", "lot": "L1", "kind": kind, "quantity": quantity, "unit": "kg", "status": "free"}
    return ask("move", {**shown, **more}, **envelope)


def facts_for(*asked, stock=None, **more) -> MoveFacts:
    stock = {STORE: Decimal(10)} if stock is None else stock
    return MoveFacts(stock=stock, before=run(asked, stock), **more)


def test_moves_of_one_batch_build_on_each_other() -> None:
    moves = [move("consumed", "6", source="store"), move("received", "5", target="store")]
    moves += [move("shipped", "8", source="store"), move("scrapped", "2", source="store")]
    facts = facts_for(*moves)
    found = [[f.code for f in admit_move(one, facts).findings] for one in moves]
    assert found == [[], [], [], ["short_stock"]]
    assert facts.before[moves[3].operation.id] == Decimal(1)


def test_a_request_of_the_hub_is_refused_where_an_observation_is_kept() -> None:
    asked = move("shipped", "10.5", source="store", author="HQ")
    ruling = admit_move(asked, facts_for(asked))
    assert ruling.verdict is Verdict.REJECTED and ruling.refusal is not None
    assert (ruling.refusal.code, ruling.refusal.expected) == ("short_stock", "at most 10 kg")
    seen = move("shipped", "10.5", source="store")
    assert admit_move(seen, facts_for(seen)).verdict is Verdict.ACCEPTED


def test_a_refused_request_does_not_use_up_the_stock_of_the_next() -> None:
    moves = [
        move("shipped", "11", source="store", author="HQ"),
        move("shipped", "9", source="store", author="HQ"),
    ]
    facts = facts_for(*moves)
    assert [admit_move(one, facts).verdict for one in moves] == [Verdict.REJECTED, Verdict.ACCEPTED]


def test_a_transfer_takes_and_gives_and_a_correction_takes_back() -> None:
    transfer = move("transfer", "2500", unit="g", source="store", target="line")
    assert totals(changes(transfer)) == {
        STORE: Decimal("-2.5"),
        ("A", "L1", "line", "free"): Decimal("2.5"),
    }
    before = {
        "lot": "L1",
        "kind": "consumed",
        "quantity": "4",
        "unit": "kg",
        "source": "store",
        "status": "free",
    }
    corrected = ask("move", {**before, "quantity": "3"}, current=before, num=9)
    assert totals(changes(corrected)) == {STORE: Decimal(1)}


def test_returned_goods_leave_or_come_by_where_they_say() -> None:
    assert totals(changes(move("returned", "1", source="store"))) == {STORE: Decimal(-1)}
    assert totals(changes(move("returned", "1", target="store"))) == {STORE: Decimal(1)}


def test_a_lot_is_counted_in_one_unit() -> None:
    asked = move("received", "5", unit="1", target="store")
    ruling = admit_move(asked, facts_for(asked, units={("A", "L1"): "kg"}))
    assert ruling.verdict is Verdict.QUARANTINED
    assert ruling.refusal is not None and ruling.refusal.expected == "kg"
    grams = move("received", "5", unit="g", target="store")
    assert admit_move(grams, facts_for(grams, units={("A", "L1"): "kg"})).verdict is Verdict.ACCEPTED


def test_shipping_a_held_lot_is_found() -> None:
    holds = {("A", "L1"): (OpenHold("H1", 7),)}
    shipped = move("shipped", "1", source="store", seen={"c": 7})
    assert [f.code for f in admit_move(shipped, facts_for(shipped, holds=holds)).findings] == ["lot_held"]
    scrapped = move("scrapped", "1", source="store")
    assert admit_move(scrapped, facts_for(scrapped, holds=holds)).findings == ()


def test_a_hold_covers_something_and_is_cleared_with_reason_and_signature() -> None:
    nothing = ask("hold", {"number": "H1", "cause": "crack"}, kind="set")
    refused = admit_hold(nothing).refusal
    assert refused is not None and refused.code == "hold_covers_nothing"
    assert admit_hold(ask("hold", {"number": "H1", "cause": "x", "lot": "L"}, kind="set")).refusal is None
    clear = {"command": "clear", "meaning": "approved"}
    silent = admit_hold(ask("hold", clear, kind="command")).refusal
    assert silent is not None and silent.code == "reason_missing"
    unsigned = admit_hold(ask("hold", {"command": "clear"}, kind="command", reason="retested")).refusal
    assert unsigned is not None and unsigned.code == "meaning_missing"
    assert admit_hold(ask("hold", clear, kind="command", reason="retested")).refusal is None


def test_no_release_while_a_hold_is_open_or_of_the_wrong_kind() -> None:
    def give(name: str, kind: str | None, holds=()):
        asked = ask("lot", {"command": name}, kind="command", current={"number": "L1", "kind": kind})
        refusal = admit_lot(asked, LotFacts({("A", "L1"): holds})).refusal
        return refusal.code if refusal else ""

    assert give("release_production", "finished") == ""
    assert give("release_production", "finished", (OpenHold("H1"),)) == "lot_held"
    assert give("release_market", "material") == "kind_wrong"
    assert give("accept", "material") == "" and give("accept", None) == ""
    assert give("reject", "finished", (OpenHold("H1"),)) == ""
