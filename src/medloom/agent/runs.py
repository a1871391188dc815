"""From a machine's values to rows: one for each status it was in, one for each run. Pure, and restartable.

All that is remembered is a `Standing`; it is kept in the same transaction as the rows that left it, so a
kill at any moment leaves both or neither. Every line has one fate, told in `FATES`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from medloom.agent.signals import Item, Signal, Stream
from medloom.agent.sources.rows import Row
from medloom.wire.verdict import Refusal

#: What became of a line, the weightiest first: a line of several values has the first that applies.
FATES = ("refused", "status", "run", "repeated", "ignored")
#: Parts whose setups are remembered; a part that comes back after so many others begins anew.
PARTS_MAX = 5_000
#: Setups of one part whose moments are remembered; older ones are only counted.
SETUPS_MAX = 1_000
#: Tools whose highest values a run holds apart; those of any further one count for the whole run alone.
TOOLS_MAX = 200
UNKNOWN_MAX = 500
_PART = re.compile(r"(.+)-([^-]+)")
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,20})?([eE][+-]?\d{1,2})?")
DIGITS_MAX = 18


class Run(msgspec.Struct):
    """A run under way. `peaks`: `what@tool` -> (highest value as told, when), tool "" for the whole run."""

    part: str
    started: str
    ended: str = ""
    programs: list[str] = []
    peaks: dict[str, tuple[str, str]] = {}
    lines: int = 0
    gap: str = ""


class Standing(msgspec.Struct):
    """Where the reading of one stream stands.

    position  the source's own place to go on
    values    role -> last value; `alarms` item, or item|code of a condition -> text of what is wrong
    told      the status told last; `due` the one that is to be told when its moment is over
    setups    part -> the moments at which its runs began, to number them; `earlier` how many are forgotten
    unknown   items told as unknown already
    """

    position: str = ""
    at: str = ""
    values: dict[str, str] = {}
    alarms: dict[str, str] = {}
    told: dict[str, str] = {}
    due: dict[str, str] = {}
    due_lines: int = 0
    run: Run | None = None
    setups: dict[str, list[str]] = {}
    earlier: dict[str, int] = {}
    unknown: list[str] = []


@dataclass(frozen=True)
class Made:
    """A row and how many lines of the stream went into it."""

    row: Row
    lines: int


@dataclass
class Assembler:
    """One stream at work on its standing."""

    stream: Stream
    standing: Standing
    made: list[Made] = field(default_factory=list)
    _closed: bool = False

    def line(self, signals: tuple[Signal, ...]) -> tuple[str, Refusal | None]:
        """Take one line; its fate, and why it was refused if it was. Its sound values count all the same."""
        fates, refusal, self._closed = [], None, False
        for signal in signals:
            if self.standing.due and signal.at != self.standing.due["since"]:
                self._tell_due()
            fate, wrong = self._signal(signal)
            fates.append(fate)
            refusal = refusal or wrong
            # A late value, or a clock set back: nothing ends before it was heard last.
            self.standing.at = max(self.standing.at, signal.at)
            if self.standing.run is not None:
                self.standing.run.ended = max(self.standing.run.ended, signal.at)
        return self._counted(fates), refusal

    def _counted(self, fates: list[str]) -> str:
        """Count the line with the row it goes into; a value that goes into none is ignored, and says so."""
        standing = self.standing
        fate = min(fates, key=FATES.index, default="ignored")
        if fate == "status" and not standing.due:  # no state is known yet, so no status can be told
            fate = min({*fates} - {"status"}, key=FATES.index, default="ignored")
        if fate == "status" and standing.due:
            standing.due_lines += 1
        elif fate == "run" and standing.run is not None:
            standing.run.lines += 1
        elif fate == "run" and self._closed:
            self.made[-1] = Made(self.made[-1].row, self.made[-1].lines + 1)
        elif fate in ("run", "status"):
            return "ignored"
        return fate

    def gap(self, why: str) -> None:
        """Nothing was heard from the last moment on: said as a status of its own, and nothing is claimed."""
        standing = self.standing
        self._tell_due()
        if not standing.at:
            return
        if standing.run is not None:
            standing.run.gap = why
        if standing.told.get("status") != "unknown":
            cells = {"status": "unknown", "since": standing.at, "cause": why[:300]}
            self._status(cells, lines=0)
        # What it tells next is news, whatever it was before.
        standing.told, standing.values = {"status": "unknown"}, {**standing.values, "state": ""}

    def flush(self) -> list[Made]:
        """The rows made so far."""
        self._tell_due()
        made, self.made = self.made, []
        return made

    # -- one value --------------------------------------------------------------------------------

    def _signal(self, signal: Signal) -> tuple[str, Refusal | None]:
        item = self.stream.items.get(signal.item)
        if item is None:
            return self._unmapped(signal)
        if not signal.value:
            expected = "a value"
            return "refused", Refusal("stream_row_cut", f"/{signal.item}", expected, signal.item)
        if item.role == "measured":
            return self._measured(item, signal)
        if item.role == "alarm":
            return self._alarm(item, signal), None
        if item.role in ("state", "availability"):
            return self._word(item, signal)
        value = signal.value if signal.known else ""
        if self.standing.values.get(item.role, "") == value and not (item.role == "program" and value):
            return "repeated", None
        changed = self.standing.values.get(item.role, "") != value
        self.standing.values[item.role] = value
        if item.role == "part":
            self._part(value, signal.at)
            return "run", None
        if item.role == "program":
            run = self.standing.run
            if run is not None and value and value not in run.programs:
                run.programs.append(value)
            elif not changed:
                return "repeated", None
            self._changed(signal.at)
            return "status", None
        return "run", None

    def _unmapped(self, signal: Signal) -> tuple[str, Refusal | None]:
        known = self.standing.unknown
        if signal.item in self.stream.ignored or signal.item in known or len(known) >= UNKNOWN_MAX:
            return "ignored", None
        known.append(signal.item)
        expected = "a data item of the mapping, or one under ignored"
        return "refused", Refusal("stream_item_unknown", f"/{signal.item}", expected, signal.value)

    def _word(self, item: Item, signal: Signal) -> tuple[str, Refusal | None]:
        if signal.known:
            word = item.words.get(signal.value)
        else:
            word = item.words.get("UNAVAILABLE", "offline" if item.role == "state" else "unavailable")
        if word is None:
            expected = "|".join(item.words)
            return "refused", Refusal("stream_row_wrong", f"/{signal.item}", expected, signal.value)
        told, values = signal.value if signal.known else "UNAVAILABLE", self.standing.values
        if values.get(item.role) == word and (item.role != "state" or values["reported"] == told):
            return "repeated", None
        values[item.role] = word
        if item.role == "state":
            values["reported"] = told
            if self.stream.runs == "state":
                self._part("" if word in ("completed", "aborted", "offline") else None, signal.at, word)
        self._changed(signal.at)
        return "status", None

    def _alarm(self, item: Item, signal: Signal) -> str:
        """A condition may have several faults at once, each with its code: NORMAL ends its own, or all of
        them when it names none (MTConnect part 2, Condition)."""
        alarms, code = self.standing.alarms, signal.more[0].strip() if signal.more else ""
        fine = signal.value.casefold() in {word.casefold() for word in item.fine}
        stands = f"{signal.item}|{code}" if code else signal.item
        text = "" if fine or not signal.known else " ".join([signal.value, *filter(None, signal.more)])[:200]
        if text:
            changed = alarms.get(stands) != text
            alarms[stands] = text
        else:
            ended = {stands} if fine and code else {n for n in alarms if n.partition("|")[0] == signal.item}
            found = [alarms.pop(name, "") for name in ended]
            changed = any(found)
        if not changed:
            return "repeated"
        self._changed(signal.at)
        return "status"

    def _measured(self, item: Item, signal: Signal) -> tuple[str, Refusal | None]:
        if not signal.known:
            return "ignored", None
        value = _number(signal.value)
        if value is None:
            return "refused", Refusal("stream_row_wrong", f"/{signal.item}", "a number", signal.value)
        run = self.standing.run
        if run is None:
            return "ignored", None
        tool = _tool(self.standing.values.get("tool", ""))
        for key in {f"{item.what}@", f"{item.what}@{tool}"}:
            known = run.peaks.get(key)
            if known is None and len(run.peaks) >= TOOLS_MAX and tool and key.endswith(f"@{tool}"):
                continue
            if known is None or Decimal(value) > Decimal(known[0]):
                run.peaks[key] = (value, signal.at)
        return "run", None

    # -- rows -------------------------------------------------------------------------------------

    def _changed(self, at: str) -> None:
        """The status from this moment on; it is told when the moment is over, so that one row says all."""
        values = self.standing.values
        status = values.get("state", "")
        if values.get("availability") == "unavailable":
            status = "offline"
        if not status and not self.standing.alarms:
            return
        cells = {
            "status": status or "unknown",
            "since": at,
            "reported": values.get("reported", ""),
            "program": values.get("program", ""),
            "part": values.get("part", ""),
            "available": values.get("availability", ""),
            "alarm": "; ".join(
                f"{name.partition('|')[0]}: {text}" for name, text in sorted(self.standing.alarms.items())
            ),
        }
        self.standing.due = {name: value for name, value in cells.items() if value}

    def _tell_due(self) -> None:
        standing = self.standing
        if standing.due:
            self._status(standing.due, lines=standing.due_lines)
            standing.due, standing.due_lines = {}, 0

    def _status(self, cells: dict[str, str], *, lines: int) -> None:
        machine = self.stream.machine
        at = f"{machine}/{cells['since']}"
        self.made.append(Made(Row(at, {"machine": machine, "number": at, **cells}), lines))
        self.standing.told = {name: value for name, value in cells.items() if name != "since"}

    def _part(self, part: str | None, at: str, word: str = "") -> None:
        """A run ends when its part does, or its machine is no longer at it; another may begin."""
        standing = self.standing
        if part is None:  # a machine that names no part: its run is from active to completed
            if word == "active" and standing.run is None:
                standing.run = Run(part="", started=at, ended=at)
            return
        if standing.run is not None and (standing.run.part != part or not part):
            self.made.append(self._run(standing.run))
            standing.run, self._closed = None, True
        if part:
            standing.run = Run(part=part, started=at, ended=at)

    def _run(self, run: Run) -> Made:
        machine = self.stream.machine
        nth = self._nth(run) if run.part else 1  # a run without a part is named after its beginning
        setup = f"S{nth}" if nth > 1 else ""
        name = "-".join(filter(None, (run.part or run.started, setup)))
        split = _PART.fullmatch(run.part)
        cells: dict[str, Any] = {
            "run": f"{machine}/{name}",
            "machine": machine,
            "part": run.part,
            "family": split[1] if split else run.part,
            "serial": split[2] if split else "",
            "setup": setup,
            "started": run.started,
            "ended": run.ended,
            "day": run.started[:10],
            "program": run.programs[0] if run.programs else "",
            "note": "; ".join(filter(None, (run.gap, _more(run.programs)))),
        }
        for key, (value, _) in sorted(run.peaks.items()):
            what, _, tool = key.partition("@")
            cells.setdefault(what, []).append({"tool": f"T{tool}" if tool else "", "value": value})
        return Made(Row(f"{machine}/{name}", cells), run.lines)

    def _nth(self, run: Run) -> int:
        """Which setup of its part a run is, the same when it is told again."""
        standing = self.standing
        setups = standing.setups.setdefault(run.part, [])
        if run.started not in setups:
            setups.append(run.started)
        nth = standing.earlier.get(run.part, 0) + setups.index(run.started) + 1
        if len(setups) > SETUPS_MAX:
            setups.pop(0)
            standing.earlier[run.part] = standing.earlier.get(run.part, 0) + 1
        while len(standing.setups) > PARTS_MAX:
            oldest = next(iter(standing.setups))
            standing.setups.pop(oldest)
            standing.earlier.pop(oldest, None)
        return nth


def _more(programs: list[str]) -> str:
    return f"further programs: {', '.join(programs[1:])}"[:300] if len(programs) > 1 else ""


def _number(text: str) -> str | None:
    """The number with the digits it was told with, one with an exponent written out; None for no number."""
    if not _NUMBER.fullmatch(text):
        return None
    if "e" not in text.casefold():
        return text
    number = Decimal(text)
    if number.adjusted() >= DIGITS_MAX:
        return None
    written = format(number, "f")
    return written if len(written.partition(".")[2]) <= 20 else format(number, ".20f")


def _tool(text: str) -> str:
    """A tool's number as two digits, "" for none: adapters write 7.000000, and 0 between two tools."""
    plain = _number(text)
    if plain is None or Decimal(plain) != int(Decimal(plain)):
        return text[:16]
    number = int(Decimal(plain))
    return f"{number:02}" if number else ""
