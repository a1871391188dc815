"""What the simulated people write: in the words of the simulator's own types, or of the house's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from medloom.simulator.objects import SHEETS, object_id
from medloom.wire.memory_ledger import Entry
from medloom.wire.operation import CONTROL, VOLUME, Kind
from medloom.wire.sheet import Head, Sheet


class Lot(NamedTuple):
    """A lot as people name it."""

    object: str
    number: str
    site: str


Given = dict[str, Any]


class Business:
    """The simulator's own types: every rule of the protocol in as few fields as it takes.

    A field of an order is asked for by what it is about (note, due, progress); `words` names it.
    """

    order = "order"
    record = "record"
    words: Mapping[str, str] = {"note": "note", "due": "due", "progress": "progress"}
    #: Whether a move that would take more than there is is refused, whoever asks for it.
    guarded = True
    finish_command = "finish"

    @property
    def sheets(self) -> Mapping[str, Sheet]:
        """Every type."""
        return SHEETS

    @property
    def order_fields(self) -> tuple[str, ...]:
        """Fields of an order that a plant's table shows and a mapping reads and writes."""
        return tuple(self.words.values())

    def value(self, name: str, token: str) -> Any:
        """A token as the order's field `name` holds it."""
        return token

    def planned(self, number: str, note: str, due: str) -> Given:
        """The fields of a new order; `note` and `due` are tokens."""
        tokens = {self.words["note"]: note, self.words["due"]: due}
        return {"number": number} | {name: self.value(name, token) for name, token in tokens.items()}

    def told(self, order: str, number: str, token: str) -> Given:
        """A plant tells of an order that it has."""
        note = self.words["note"]
        fields = {"number": number, note: self.value(note, token)}
        return {"type": self.order, "object": order, "kind": Kind.OBSERVE, "fields": fields}

    def made(self, lot: Lot) -> Given:
        """A lot was made."""
        return {"type": "lot", "object": lot.object, "kind": Kind.OBSERVE, "fields": {"number": lot.number}}

    def counted(self, key: str, token: str, lots: Sequence[Lot]) -> Given:
        """Something was recorded."""
        return {"type": "record", "kind": Kind.OBSERVE, "fields": {"good": token}}

    def moved(self, key: str, lot: Lot, quantity: int) -> Given:
        """So much came to a lot, or went from it."""
        fields = {"lot": lot.object, "quantity": quantity}
        return {"type": "move", "kind": Kind.SET, "chain": VOLUME, "base": 0, "fields": fields}

    def finish(self, lot: Lot) -> Given:
        """A lot is finished."""
        fields = {"command": self.finish_command}
        return {"type": "lot", "object": lot.object, "kind": Kind.COMMAND, "chain": CONTROL, "fields": fields}

    def held(self, key: str, lot: Lot) -> Given:
        """A lot is held."""
        return {"type": "hold", "kind": Kind.SET, "chain": CONTROL, "fields": self.hold(key, lot)}

    def hold(self, key: str, lot: Lot) -> Given:
        """The fields of a hold."""
        return {"lot": lot.object}

    def clear(self) -> Given:
        """The fields of the command that ends a hold."""
        return {"command": "clear"}

    def lot(self, object: str, head: Head) -> Lot:
        """A lot as it stands."""
        return Lot(object, str(head.values.get("number")), head.site)

    def lot_of(self, entry: Entry) -> str:
        """What a hold or a move is about, as `lot_key` says it."""
        assert entry.operation is not None
        return str(entry.operation.fields.get("lot"))

    def lot_key(self, object: str, head: Head | None) -> str:
        """A lot, as holds and moves name it."""
        return object

    def quantity(self, entry: Entry) -> int:
        """How much a move adds."""
        assert entry.operation is not None
        return int(entry.operation.fields["quantity"])

    def sees(self, site: str, head: Head) -> bool:
        """Whether that site is shown the object."""
        return site == "HQ" or head.site in ("", site)

    def same(self, type: str, mine: Head, theirs: Head) -> bool:
        """Whether a site holds what stands at the hub."""
        return (mine.version, mine.state, mine.values) == (theirs.version, theirs.state, theirs.values)


SYNTHETIC = Business()


def new_lot(site: str, number: str) -> Lot:
    """The lot of that number: every agent of the site finds the same."""
    return Lot(object_id("lot", site, number), number, site)
