"""bench/latest.json and docs/benchmarks.md, which is written from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
LATEST = ROOT / "bench" / "latest.json"
PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """# Benchmarks

Written by `make bench` from `bench/latest.json`; do not edit. Ratios are between things measured in the
same run on the same machine: trust them more than the single figures. The value is the median of the
runs, with the smallest and the largest beside it. *Reach* is what the project set itself; a missed one
is said to be missed. The machine is shared with other work, so figures of one day are not to be
compared with those of another.
"""


def keep(figures: Iterable[Figure], *, machine: Mapping[str, Any], names: Iterable[str]) -> None:
    """Write both files; figures that were not measured this time stay, with their own commit and date."""
    kept: dict[str, Any] = {}
    if LATEST.exists():
        kept = json.loads(LATEST.read_text(encoding="utf-8")).get("figures", {})
    stamp = {name: machine[name] for name in ("commit", "date", "load_before")}
    for figure in figures:
        kept[figure.name] = figure.record() | stamp
    order = list(names)
    found = {
        name: kept[name] for name in sorted(kept, key=lambda n: (order.index(n) if n in order else 99, n))
    }
    text = {"machine": dict(machine), "figures": found}
    LATEST.write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(text, order), encoding="utf-8")


def page(text: Mapping[str, Any], names: Iterable[str]) -> str:
    """The page as Markdown."""
    machine, figures = text["machine"], text["figures"]
    lines = [HEAD, "## Machine", ""]
    lines += [f"- {key.replace('_', ' ')}: {value}" for key, value in machine.items()]
    lines += [
        "",
        "## Figures",
        "",
        "| figure | median | min - max | unit | reach | |",
        "|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys([*names, *figures]):
        if name not in figures:
            lines.append(f"| `{name}` | not measured | | | | |")
            continue
        f = figures[name]
        reach = (
            "" if f["reach"] is None else ("at least " if f["above"] else "at most ") + _number(f["reach"])
        )
        met = {None: "", True: "met", False: "**missed**"}[f["met"]]
        spread = f"{_number(f['min'])} - {_number(f['max'])}"
        lines.append(f"| `{name}` | {_number(f['median'])} | {spread} | {f['unit']} | {reach} | {met} |")
    lines += ["", "## What limits each", ""]
    for name, f in figures.items():
        lines += [f"### {name}", "", f["limits"], ""]
        lines += [f"- {key.replace('_', ' ')}: {_plain(value)}" for key, value in f["detail"].items()]
        load = f.get("load_before", "unknown")
        lines += [
            f"- commit {f['commit']}, {f['date']}, load of the machine before {load}, {len(f['runs'])} runs"
        ]
        lines += [""]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(inner) for inner in value)
    return _number(value) if isinstance(value, float) else str(value)
