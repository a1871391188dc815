"""The plan of the machined plates: a setup sheet per serial becomes parameter revisions of the registrant.

The sheet says for each serial which tool length, speed and feed level it is made with, and for each tool
the value of every level. It states no tolerance: the limits of the speed are our own and marked synthetic.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from medloom.agent.sources.tables import read_table
from medloom.agent.units import convert

SHEET = "Plate-Setup-and-Tooling.xlsx"
PROGRAMS = "nc_program_index.csv"
PROGRAM = "NIST_MTC_CRADA_PLATE-{nth}.NC"
#: Not one plate's program, but all plates': it names no other plate, so it contradicts no plan.
PROGRAM_OF_ALL = "NIST_MTC_CRADA_PLATE.NC"
REVISION = "A"
TOLERANCE = Decimal("0.02")
SMALLER = 0.1
_FEEDS = {"high": "Fast Feed", "medium": "Medium Feed", "low": "Slow Feed"}
_SPEEDS = {"high": "Fast Speed", "medium": "Medium Speed", "low": "Slow Speed"}


class PlanRefused(ValueError):
    """The setup sheet is not as expected; the message names the place."""


@dataclass(frozen=True)
class Setup:
    """What one serial is made with: levels, and the highest speed (rpm) and feed (inch/min) they mean."""

    part: str
    length: str
    speed_rpm: Decimal
    feed_in_min: Decimal
    program: str = ""
    program_note: str = ""


def read_plan(sheet: Path, programs: Path | None) -> list[Setup]:
    """The controlled serials of a setup sheet. A level that is no level (operator's choice) plans nothing.

    Raises PlanRefused.
    """
    delivery = read_table(sheet.name, sheet.read_bytes())
    if delivery.refusal is not None:
        raise PlanRefused(f"{sheet.name}: {delivery.refusal.code}, expected {delivery.refusal.expected}")
    rows = next(iter(delivery.sheets.values()))
    head = next((n for n, row in enumerate(rows) if str(row[0]).startswith("Part Serial")), None)
    levels = next((row for row in rows if any("Fast Feed" in str(cell) for cell in row)), None)
    if head is None or levels is None:
        raise PlanRefused(f"{sheet.name}: expected the columns Part Serial # and Fast Feed")
    feeds, speeds = (_highest(rows, levels, names) for names in (_FEEDS, _SPEEDS))
    notes = _notes(programs)
    found = []
    for row in rows[head + 1 :]:
        serial, length, speed, feed = row[:4]
        if not isinstance(serial, int | float) or str(speed).casefold() not in speeds:
            continue
        nth = int(serial)
        program = PROGRAM.format(nth=nth)
        found.append(
            Setup(
                part=f"PLATE-{nth:02}",
                length=str(length).casefold(),
                speed_rpm=speeds[str(speed).casefold()],
                feed_in_min=feeds[str(feed).casefold()],
                program=program,
                program_note=notes.get(program, ""),
            )
        )
    return found


def _highest(
    rows: Sequence[Sequence[Any]], header: Sequence[Any], names: dict[str, str]
) -> dict[str, Decimal]:
    """Level -> the highest value that any tool has at it."""
    found = {}
    for level, name in names.items():
        column = next(n for n, cell in enumerate(header) if str(cell).strip() == name)
        values = [row[column] for row in rows if len(row) > column]
        # The row below the head of the table holds the column's own number; no tool is as slow as that.
        numbers = [Decimal(str(value)) for value in values if isinstance(value, int | float)]
        if not numbers:
            raise PlanRefused(f"{name}: no value")
        found[level] = max(numbers)
    return found


def _notes(programs: Path | None) -> dict[str, str]:
    """Programs of another size than their siblings: a hint for a person, never a finding."""
    if programs is None or not programs.is_file():
        return {}
    rows = csv.DictReader(io.StringIO(programs.read_text(encoding="utf-8")))
    stem = PROGRAM.split("{", 1)[0]
    sizes = {row["nc_program"]: int(row["bytes"]) for row in rows if row["nc_program"].startswith(stem)}
    middle = statistics.median(sizes.values()) if sizes else 0
    return {
        name: f"{size} bytes, its siblings about {middle:.0f}"
        for name, size in sizes.items()
        if abs(size - middle) > SMALLER * middle
    }


def parameters(plan: Sequence[Setup], *, mark: str = "") -> Iterator[dict[str, Any]]:
    """The parameter revisions of a plan: speed within limits, the program, feed and tool length as told."""
    for setup in plan:
        part, speed = setup.part, setup.speed_rpm
        yield _parameter(
            f"{part}-SPEED",
            f"最高主轴转速 · highest spindle speed (limits ±2 % synthetic){mark}",
            "rpm",
            target=_text(speed),
            low=_text(speed * (1 - TOLERANCE)),
            high=_text(speed * (1 + TOLERANCE)),
        )
        note = f" ({setup.program_note})" if setup.program_note else ""
        words = dict.fromkeys((setup.program, PROGRAM_OF_ALL if not mark else setup.program))
        yield _parameter(f"{part}-PROGRAM", f"NC 程序 · NC program{note}{mark}", "1", words=" | ".join(words))
        # The log's feed is the highest of all moves, rapid ones too: it is shown beside the plan, not judged.
        feed = convert(setup.feed_in_min, source="[in_i]/min", target="mm/min")
        yield _parameter(
            f"{part}-FEED", f"最高进给 · highest cutting feed{mark}", "mm/min", target=_text(feed)
        )
        yield _parameter(f"{part}-TOOL-LENGTH", f"刀具长度 · tool length{mark}", "1", words=setup.length)


def _parameter(number: str, name: str, unit: str, **more: str) -> dict[str, Any]:
    return {"number": number, "revision": REVISION, "name": name[:120], "unit": unit, **more}


def _text(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
