"""`python -m medloom.simulator`: many seeds at once, or one ablation until it is caught.

Exit code 0: every seed survived (or the ablation was caught), 1: not, 2: wrong arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from typing import Any

from medloom.simulator.ablations import ABLATIONS
from medloom.simulator.run import Outcome, run


def _one(given: tuple[int, str]) -> Outcome:
    seed, ablation = given
    return run(seed, parts=ABLATIONS[ablation].parts if ablation else None)


def outcomes(seeds: range, *, jobs: int, ablation: str = "") -> Iterator[Outcome]:
    """The outcome of each seed, in order, from that many processes."""
    work = [(seed, ablation) for seed in seeds]
    if jobs <= 1:
        yield from map(_one, work)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_one, work, chunksize=4)


def summary(found: list[Outcome], seconds: float) -> dict[str, Any]:
    """Figures of a whole run."""
    verdicts: Counter[str] = Counter()
    for each in found:
        verdicts.update(each.verdicts)
    bad = [each for each in found if not each.survived]
    return {
        "seeds": len(found),
        "survived": len(found) - len(bad),
        "seconds": round(seconds, 1),
        "seeds_per_second": round(len(found) / seconds, 2) if seconds else 0.0,
        "entries": sum(each.entries for each in found),
        "verdicts": dict(sorted(verdicts.items())),
        "unrecoverable": sum(each.excused for each in found),
        "failed": [
            {"seed": b.seed, "scenario": b.scenario.named(), "violations": b.violations[:5]} for b in bad[:20]
        ],
    }


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="medloom.simulator", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds (default 200)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--ablate", choices=sorted(ABLATIONS), default="", help="take one mechanism out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run it."""
    given = _arguments(sys.argv[1:] if argv is None else argv)
    began = time.perf_counter()
    found: list[Outcome] = []
    for outcome in outcomes(
        range(given.first, given.first + given.seeds), jobs=given.jobs, ablation=given.ablate
    ):
        found.append(outcome)
        if not given.json and not outcome.survived:
            print(f"seed {outcome.seed}: {outcome.scenario.named()}")
            for each in outcome.violations[:5]:
                print(f"  {each}")
        if given.ablate and not outcome.survived:
            break
    total = summary(found, time.perf_counter() - began)
    if given.ablate:
        total["ablation"] = given.ablate
        total["caught_at"] = found[-1].seed if not found[-1].survived else None
    if given.json:
        print(json.dumps(total, ensure_ascii=False))
    else:
        shown = ("seeds", "survived", "seconds", "seeds_per_second", "entries", "verdicts")
        print("  ".join(f"{name} {total[name]}" for name in shown))
    caught = total.get("caught_at") is not None
    return 0 if caught or (not given.ablate and total["survived"] == total["seeds"]) else 1
