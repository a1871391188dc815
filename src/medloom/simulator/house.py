"""The same people in the house's own words: work orders, lots, step records, moves and holds.

What the house decides otherwise than the simulator's own types: a move is an observation and stands
even where it takes more than there is; a lot under a hold is not released, whoever did not know of it;
an order for an item that the hub does not know is parked until the item comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medloom.kernel.entity import catalogue
from medloom.simulator.business import Business, Given, Lot
from medloom.simulator.intents import as_count, as_day
from medloom.wire.memory_ledger import Entry
from medloom.wire.operation import CONTROL, Kind
from medloom.wire.sheet import Head, Sheet

DAY = "2026-03-04"
#: Orders of every third number are for an item that the hub hears of only later.
KNOWN, LATER = "I1", "I2"


class House(Business):
    """The types of the rooms, judged by the wiring of the hub."""

    order = "work_order"
    record = "step_record"
    words: Mapping[str, str] = {"note": "remark", "due": "due", "progress": "progress"}
    guarded = False
    finish_command = "release_production"

    @property
    def sheets(self) -> Mapping[str, Sheet]:
        return {name: declared.sheet for name, declared in catalogue().items()}

    def value(self, name: str, token: str) -> Any:
        if name == "progress":
            return as_count(token)
        return as_day(token) if name == "due" else token

    def planned(self, number: str, note: str, due: str) -> Given:
        item = LATER if int(number[1:]) % 3 == 0 else KNOWN
        return super().planned(number, note, due) | {"item": item, "quantity": 100}

    def made(self, lot: Lot) -> Given:
        fields = {"number": lot.number, "kind": "intermediate"}
        return {"type": "lot", "object": lot.object, "kind": Kind.OBSERVE, "fields": fields}

    def counted(self, key: str, token: str, lots: Sequence[Lot]) -> Given:
        fields = {"number": key, "day": DAY, "note": token, "total": 5, "good": 5}
        if lots:
            fields |= {"resin_lot": lots[0].number, "output_lot": lots[-1].number}
        return {"type": self.record, "kind": Kind.OBSERVE, "fields": fields}

    def moved(self, key: str, lot: Lot, quantity: int) -> Given:
        fields = {
            "number": key,
            "lot": lot.number,
            "kind": "produced" if quantity > 0 else "consumed",
            "quantity": str(abs(quantity)),
            "unit": "1",
        }
        return {"type": "move", "kind": Kind.OBSERVE, "fields": fields}

    def finish(self, lot: Lot) -> Given:
        fields = {"command": self.finish_command}
        return {"type": "lot", "object": lot.object, "kind": Kind.COMMAND, "chain": CONTROL, "fields": fields}

    def held(self, key: str, lot: Lot) -> Given:
        # As the agent tells a row that it has lost its memory of: the way it was told the first time.
        return super().held(key, lot) | {"base": 0}

    def hold(self, key: str, lot: Lot) -> Given:
        return {"number": f"H-{key}", "lot": lot.number, "cause": "somebody had a look"}

    def clear(self) -> Given:
        return {"command": "clear", "meaning": "approved"}

    def lot_of(self, entry: Entry) -> str:
        assert entry.operation is not None
        return f"{entry.home}/{entry.operation.fields.get('lot')}"

    def lot_key(self, object: str, head: Head | None) -> str:
        return f"{head.site}/{head.values.get('number')}" if head is not None else ""

    def quantity(self, entry: Entry) -> int:
        assert entry.operation is not None
        fields = entry.operation.fields
        return int(fields["quantity"]) * (1 if fields["kind"] == "produced" else -1)

    def sees(self, site: str, head: Head) -> bool:
        return head.site in ("", site)

    def same(self, type: str, mine: Head, theirs: Head) -> bool:
        """A site folds what its lines say; what the hub filled in beside (a default) it need not have."""
        filled: dict[str, Any] = dict(catalogue()[type].defaults)
        known = {
            name: value
            for name, value in theirs.values.items()
            if name in mine.values or value not in (None, [], filled.get(name))
        }
        shown = {name: value for name, value in mine.values.items() if value is not None}
        known = {name: value for name, value in known.items() if value is not None and name != "state"}
        shown.pop("state", None)
        return (mine.version, mine.state, shown) == (theirs.version, theirs.state, known)


HOUSE = House()
