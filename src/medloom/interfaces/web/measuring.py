"""Parts against limits, as the pages show them: one row a characteristic, one column a part. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from medloom.inspection.rules import Suspicion, suspicion
from medloom.inspection.rules_compared import Contrast, Measured, alike, contrasts, measured_row

#: Marks of a cell: never colour alone.
MARKS = {"high": "▲", "low": "▼", "in": "·", "open": "?"}


@dataclass(frozen=True)
class Cell:
    """One value against its limits: `high` or `low` outside, `in`, or `open` where nothing judges it."""

    row: Mapping[str, Any]
    tone: str

    @property
    def mark(self) -> str:
        """The sign of the tone."""
        return MARKS[self.tone]


def span(low: Decimal | None, high: Decimal | None) -> str:
    """Limits as they stand in a cell: `3.75 … 4.25`, a dash for a side that is open."""
    sides = ["–" if side is None else f"{side.normalize():f}" for side in (low, high)]
    return " … ".join(sides) if sides != ["–", "–"] else "–"


@dataclass
class Line:
    """One characteristic of one laboratory over all parts."""

    laboratory: str
    characteristic: str
    alike: str
    unit: str
    nominal: Decimal | None
    low: Decimal | None
    high: Decimal | None
    specification: str | None
    by_lot: dict[str, Cell] = field(default_factory=dict)
    cells: list[Cell | None] = field(default_factory=list)
    out: int = 0
    suspicion: Suspicion | None = None

    @property
    def limits(self) -> str:
        """Its limits in a cell."""
        return span(self.low, self.high)


@dataclass(frozen=True)
class Suspect:
    """One specification whose limits are suspect, with the characteristics of each laboratory that say so."""

    lines: tuple[Line, ...]

    @property
    def line(self) -> Line:
        """The first of them."""
        return self.lines[0]

    @property
    def laboratories(self) -> tuple[str, ...]:
        """Who measured so."""
        return tuple(line.laboratory for line in self.lines)


@dataclass(frozen=True)
class Beyond:
    """A part with results out of limits that are not suspect, on one side: how many, by laboratory."""

    lot: str
    address: str
    by_laboratory: tuple[tuple[str, int], ...]

    @property
    def count(self) -> int:
        """All of them."""
        return sum(count for _, count in self.by_laboratory)


@dataclass(frozen=True)
class Matrix:
    """The whole picture of one item."""

    lots: tuple[str, ...]
    addresses: Mapping[str, str]
    laboratories: tuple[str, ...]
    lines: tuple[Line, ...]
    suspects: tuple[Suspect, ...]
    large: tuple[Beyond, ...]
    small: tuple[Beyond, ...]


def tone_of(row: Mapping[str, Any]) -> str:
    """Where a value lies; what its author judged counts where there are no limits."""
    value, low, high = row["value"], row["low"], row["high"]
    if low is not None and value < low:
        return "low"
    if high is not None and value > high:
        return "high"
    if row["conforms"] is None:
        return "open"
    return "in" if row["conforms"] else "high"


def matrix(rows: Iterable[Mapping[str, Any]]) -> Matrix:
    """All parts and characteristics; those with most parts out come first in each laboratory."""
    lines: dict[tuple[str, str], Line] = {}
    addresses: dict[str, str] = {}
    for row in rows:
        laboratory = row["laboratory"] or ""
        line = lines.get((laboratory, row["characteristic"] or row["key"]))
        if line is None:
            line = lines[laboratory, row["characteristic"] or row["key"]] = Line(
                laboratory,
                row["characteristic"] or row["key"],
                alike(row["kind"], row["nominal"]),
                row["unit"],
                row["nominal"],
                row["low"],
                row["high"],
                row["specification"],
            )
        line.alike = line.alike or alike(row["kind"], row["nominal"])
        cell = Cell(row, tone_of(row))
        line.by_lot[row["lot"]] = cell
        line.out += cell.tone in ("high", "low")
        addresses[row["lot"]] = row["lot_object"]
    lots = tuple(sorted(addresses))
    for line in lines.values():
        line.cells = [line.by_lot.get(lot) for lot in lots]
        values = [cell.row["value"] for cell in line.by_lot.values()]
        line.suspicion = suspicion(values, line.low, line.high)
    ordered = sorted(lines.values(), key=lambda one: (one.laboratory, -one.out, one.characteristic))
    return Matrix(
        lots,
        addresses,
        tuple(sorted({line.laboratory for line in ordered})),
        tuple(ordered),
        _suspects(ordered),
        _beyond(lots, addresses, ordered, "high"),
        _beyond(lots, addresses, ordered, "low"),
    )


def _suspects(lines: Sequence[Line]) -> tuple[Suspect, ...]:
    """One for each specification, whoever measured; without one cited, one for each characteristic."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        if line.suspicion is not None:
            name = line.specification or f"{line.laboratory}/{line.characteristic}"
            found.setdefault(name, []).append(line)
    return tuple(Suspect(tuple(each)) for each in found.values())


def _beyond(
    lots: Sequence[str], addresses: Mapping[str, str], lines: Sequence[Line], tone: str
) -> tuple[Beyond, ...]:
    found = []
    sound = [line for line in lines if line.suspicion is None]
    for lot in lots:
        counts: dict[str, int] = {}
        for line in sound:
            cell = line.by_lot.get(lot)
            if cell is not None and cell.tone == tone:
                counts[line.laboratory] = counts.get(line.laboratory, 0) + 1
        if counts:
            found.append(Beyond(lot, addresses[lot], tuple(sorted(counts.items()))))
    return tuple(found)


def compared(rows: Iterable[Mapping[str, Any]], site: str, item: str) -> dict[str, list[Measured]]:
    """The rows as they are compared, by laboratory."""
    found: dict[str, list[Measured]] = {}
    for row in rows:
        if row["laboratory"]:
            found.setdefault(row["laboratory"], []).append(measured_row(row, site=site, item=item))
    return found


@dataclass(frozen=True)
class Issue:
    """One subject on which two laboratories disagree: over which parts, and what each says."""

    subject: str
    why: str
    lots: tuple[str, ...]
    first_out: int
    second_out: int
    first_count: int
    second_count: int
    stands: str = ""


@dataclass(frozen=True)
class Said:
    """What one laboratory measured of a subject: its lines, and over all parts from which value to which."""

    lines: tuple[Line, ...]
    least: Decimal
    most: Decimal

    @property
    def limits(self) -> tuple[str, ...]:
        """The limits of its lines, each once."""
        return tuple(dict.fromkeys(line.limits for line in self.lines))


def said_of(found: Matrix, laboratory: str, subject: str) -> Said | None:
    """What that laboratory measured of a subject of a disagreement; None for nothing."""
    lines = tuple(line for line in found.lines if line.laboratory == laboratory and _about(line, subject))
    values = [cell.row["value"] for line in lines for cell in line.by_lot.values()]
    return Said(lines, min(values), max(values)) if values else None


def _about(line: Line, subject: str) -> bool:
    return line.alike == subject or any(cell.row["subject"] == subject for cell in line.by_lot.values())


def issues(first: Sequence[Measured], second: Sequence[Measured], stands: Mapping[str, str]) -> list[Issue]:
    """The contrasts by subject; `stands` is what was decided."""
    groups: dict[str, list[Contrast]] = {}
    for one in contrasts(first, second):
        groups.setdefault(one.subject, []).append(one)
    return [
        Issue(
            subject,
            "verdict" if any(one.why == "verdict" for one in group) else "once",
            tuple(one.lot for one in group),
            sum(one.first[1] > one.first[0] for one in group),
            sum(one.second[1] > one.second[0] for one in group),
            sum(bool(one.first[1]) for one in group),
            sum(bool(one.second[1]) for one in group),
            stands.get(subject, ""),
        )
        for subject, group in sorted(groups.items(), key=lambda pair: -len(pair[1]))
    ]
