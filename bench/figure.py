"""One measured figure: its runs, what it should reach, and what limits it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`runs` are single results in `unit`; the figure's value is their median.

    reach   what it should come to, None where nothing is asked
    above   whether more is better
    limits  what limits it, in words
    detail  whatever explains the figure: answer sizes, denominators, verdict counts
    """

    name: str
    unit: str
    runs: Sequence[float]
    limits: str
    reach: float | None = None
    above: bool = False
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The median of the runs."""
        return statistics.median(self.runs)

    @property
    def met(self) -> bool | None:
        """Whether the median reaches what it should; None where nothing is asked."""
        if self.reach is None:
            return None
        return self.value >= self.reach if self.above else self.value <= self.reach

    def record(self) -> dict[str, Any]:
        """What latest.json keeps."""
        spread = {"median": self.value, "min": min(self.runs), "max": max(self.runs)}
        found = asdict(self) | spread | {"met": self.met, "runs": [float(run) for run in self.runs]}
        return {key: _short(value) for key, value in found.items()}


def _short(value: Any) -> Any:
    """Four significant digits: more would pretend to a precision that a shared machine has not."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_short(inner) for inner in value]
    return value
