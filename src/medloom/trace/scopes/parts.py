"""What of a lot a scope means, and how two such meanings are joined without rounding. Pure.

A lot consists of the devices that its step records count, a range for each record, and of its *loose*
pieces: those of records that do not say how many, those booked beyond what the records count, and all of a
lot that no record made. Loose pieces have no numbers, so some of them can never be told from the others: what
of them is meant is all, some or none; "all but some" is some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

EMPTY: frozenset[int] = frozenset()
#: How much of a lot's loose pieces is meant.
NONE, SOME, ALL = 0, 1, 2


class Part(NamedTuple):
    """What of a lot is meant, by the internal numbers of the records that made it.

    only     these records' devices; None for those of every record but `without`
    loose    how much of the loose pieces: NONE, SOME or ALL
    """

    only: frozenset[int] | None = None
    without: frozenset[int] = EMPTY
    loose: int = ALL

    @property
    def nothing(self) -> bool:
        """Whether nothing is meant. "All records but these" is for the lot's records to tell: `meaning`."""
        return not self.only and self.only is not None and self.loose == NONE

    @property
    def unsettled(self) -> bool:
        """Whether the lot's records must be asked if anything is left."""
        return self.only is None and self != WHOLE and self.loose != SOME

    def holds(self, step: int) -> bool:
        """Whether the devices of that record are meant."""
        return step not in self.without if self.only is None else step in self.only


WHOLE = Part()


def either(one: Part, other: Part) -> Part:
    """What at least one of them means."""
    return _opposite(both(_opposite(one), _opposite(other)))


def both(one: Part, other: Part) -> Part:
    """What both of them mean."""
    loose = min(one.loose, other.loose)
    if one.only is None and other.only is None:
        return Part(None, one.without | other.without, loose)
    if one.only is not None and other.only is not None:
        return Part(one.only & other.only, EMPTY, loose)
    whole, some = (one, other) if one.only is None else (other, one)
    return Part((some.only or EMPTY) - whole.without, EMPTY, loose)


def less(one: Part, taken: Part) -> Part:
    """What the one means and the other does not."""
    return both(one, _opposite(taken))


def _opposite(part: Part) -> Part:
    if part.only is None:
        return Part(part.without, EMPTY, ALL - part.loose)
    return Part(None, part.only, ALL - part.loose)


@dataclass(frozen=True)
class Making:
    """What the records say of how a lot was made.

    counted  record -> how many good pieces it counts; None where it does not say
    booked   how many pieces its moves or receipts say there are; None where they say nothing
    """

    counted: Mapping[int, int | None]
    booked: Decimal | None = None

    @property
    def uncounted(self) -> bool:
        """Whether a record that made the lot does not say how many pieces."""
        return None in self.counted.values()

    @property
    def beyond(self) -> bool:
        """Whether more was booked than its records count, each of which says how many."""
        if self.booked is None or self.uncounted:
            return False
        return self.booked > sum(good or 0 for good in self.counted.values())


def meaning(part: Part, making: Making) -> str:
    """In one word what of the lot is meant; "" for nothing.

    whole       the lot
    part        the devices of these records and no other piece
    uncounted   these devices, and pieces of records that do not say how many: they cannot be told apart
    unrecorded  these devices, and pieces that were booked and that no record made
    """
    numbered = [step for step, good in making.counted.items() if good is not None]
    if part == WHOLE or not making.counted:
        return "" if part.nothing else "whole"
    kept = [step for step in numbered if part.holds(step)]
    exist = making.uncounted or making.beyond
    loose = part.loose if exist else NONE
    if not kept and not loose:
        return ""
    if len(kept) == len(numbered) and (loose == ALL or not exist):
        return "whole"
    if not loose:
        return "part"
    return "uncounted" if making.uncounted else "unrecorded"
