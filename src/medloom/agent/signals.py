"""What the data items of a machine mean: the `stream` section of a mapping, and one value as it was heard."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

Role = Literal["state", "availability", "alarm", "program", "part", "tool", "measured"]
#: MTConnect's word for "no value", in every spelling that adapters use.
UNAVAILABLE = "unavailable"


class Signal(NamedTuple):
    """One value of one data item. `at` is RFC 3339 in UTC with microseconds; `more` what follows the value
    of a condition (native code, severity, qualifier, message)."""

    at: str
    item: str
    value: str
    more: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the machine states a value at all."""
        return self.value.casefold() != UNAVAILABLE


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"role": "as"}):
    """What one data item means.

    role   `as` in the file: its part in the machine's status or run
    words  for `state` and `availability`: the machine's word -> the declared one
    fine   for `alarm`: words that mean that nothing is wrong
    what   for `measured`: the cell that holds its highest values in a run's row
    """

    role: Role
    words: dict[str, str] = {}
    fine: tuple[str, ...] = ("NORMAL", "ARMED", "RESET")
    what: str = ""


class Stream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a machine's stream becomes rows: one for each status, one for each run.

    machine  its number, as the plant knows it
    items    data item -> what it means
    ignored  data item -> why it is not taken over; any other is told once as unknown
    runs     what makes a run: a `part` named by the machine, or the machine's `state` being active
    """

    machine: str
    items: dict[str, Item]
    ignored: dict[str, str] = {}
    runs: Literal["part", "state"] = "part"

    @property
    def conditions(self) -> frozenset[str]:
        """Items whose rows carry the five fields of a condition."""
        return frozenset(name for name, item in self.items.items() if item.role == "alarm")
