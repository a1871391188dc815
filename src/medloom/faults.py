"""The fault scoreboard: 64 cases, which of them are survived, and on which commit that was seen.

The evidence is written by the tests and drills that ran, never by hand: evidence/faults.json, with
commit, seed and duration of each. A case proven on another commit is "stale"; one without a drill is
"unbuilt". Neither counts as survived.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EVIDENCE = ROOT / "evidence" / "faults.json"

TITLES = (
    "messages lost, doubled and reordered",
    "thirty days offline, both sides edit",
    "a site's clock forty days off, jumping back",
    "a site restored from an old backup",
    "a site's image cloned, both run",
    "the hub restored from an old backup",
    "hub and a site restored together",
    "a hold raised while the site finishes the lot",
    "two shared edits at the same time",
    "taken back by one, edited by the other",
    "two sites make the same lot number",
    "a late packet of an old session",
    "agent killed between taking and acknowledging",
    "hub worker killed in the middle of a batch",
    "PostgreSQL killed during commits",
    "hub's disk full",
    "agent's disk full",
    "a flipped bit in the agent's store",
    "half-open connection, one byte a second",
    "a long transaction holds the horizon",
    "a consumer dead for a week",
    "a snapshot cut at random bytes",
    "a migration while agents push",
    "an agent two versions behind, and ahead",
    "the wake-up bell is dead",
    "a backlog of 50,000 operations at three sites",
    "an encrypted backup on a fresh machine",
    "a backup with one byte changed",
    "a step that nobody acknowledges",
    "a storm of deadlocks",
    "one bad record of ten thousand",
    "the same number with other content",
    "wrong unit, precision, word or revision",
    "NaN, 1e400, doubled keys",
    "a thousand nested arrays, five thousand digits",
    "a small body that inflates to 200 MB",
    "a small workbook that inflates to 99 MB",
    "entities that expand or reach outside",
    "an archive that writes outside its folder",
    "a cell that is a formula in the export",
    "CSV in GBK, with a mark, with line breaks, with a million columns",
    "look-alike and invisible characters in lot numbers",
    "a batch of a million, a body of a gigabyte",
    "a query fifty deep, a flood of aliases",
    "a request replayed, expired, or from a skewed clock",
    "a body altered under an intact digest",
    "a revoked or rotated key",
    "forged forwarding headers",
    "one site's key pushes as another",
    "every address as three parties",
    "fields set that nobody may set",
    "a step of a workflow skipped, one's own change approved",
    "a role taken away during a session",
    "the interface fuzzed from its description",
    "a webhook that points inside",
    "log lines forged, secrets in logs",
    "the eleven holes of row-level security",
    "a pooled connection used again without a party",
    "a superuser edits the audit trail",
    "two plants are shown two histories",
    "the log cut and grown again",
    "ciphertext moved to another row",
    "key rotation killed half way",
    "a record changed after it was signed",
)


@dataclass(frozen=True)
class Case:
    """One case as it stands: survived, failed, stale or unbuilt; and what the last run counted."""

    number: int
    title: str
    outcome: str
    commit: str = ""
    seed: int = 0
    seconds: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class Score:
    """How many of the listed faults are survived on this commit."""

    survived: int
    of: int
    cases: tuple[Case, ...]


@lru_cache(maxsize=1)
def commit() -> str:
    """The commit that is checked out, with a mark when files differ from it; "" outside a checkout."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *words], check=False, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    head = git("rev-parse", "HEAD")
    return f"{head}+changes" if head and git("status", "--porcelain", "--untracked-files=no") else head


def drills() -> dict[int, Callable[[int], str]]:
    """Case number -> run(seed), for every case that has a drill. Each raises AssertionError when it fails."""
    found: dict[int, Callable[[int], str]] = {}
    if find_spec("medloom.simulator.faults"):
        from medloom.simulator.faults import CASES as SIMULATED

        found.update(SIMULATED)
    from medloom.drills.cases import CASES

    return found | CASES


def read_evidence() -> dict[str, dict[str, object]]:
    """What the runs wrote, by case number; empty when there is nothing readable."""
    try:
        cases = json.loads(EVIDENCE.read_text(encoding="utf-8"))["cases"]
    except (OSError, ValueError, KeyError):
        return {}
    return cases if isinstance(cases, dict) else {}


def record(number: int, *, survived: bool, seed: int, seconds: float, detail: str = "") -> None:
    """Write what a run of a case came to, beside the others."""
    cases = read_evidence()
    cases[str(number)] = {
        "survived": survived,
        "commit": commit(),
        "seed": seed,
        "seconds": round(seconds, 2),
        "detail": detail[:500],
    }
    EVIDENCE.parent.mkdir(exist_ok=True)
    ordered = {key: cases[key] for key in sorted(cases, key=int)}
    fresh = EVIDENCE.with_suffix(".new")
    fresh.write_text(json.dumps({"cases": ordered}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.rename(EVIDENCE)


def score() -> Score:
    """The scoreboard from the evidence of this commit."""
    cases = tuple(_standing(number, read_evidence().get(str(number))) for number in range(1, 65))
    return Score(sum(case.outcome == "survived" for case in cases), len(cases), cases)


def _standing(number: int, kept: dict[str, object] | None) -> Case:
    title = TITLES[number - 1]
    if kept is None:
        return Case(number, title, "unbuilt" if number not in drills() else "stale")
    outcome = "survived" if kept.get("survived") else "failed"
    if kept.get("commit") != commit():
        outcome = "stale"
    known = {name: kept[name] for name in ("commit", "seed", "seconds", "detail") if name in kept}
    return Case(number, title, outcome, **known)  # type: ignore[arg-type]


def run_case(number: int, *, seed: int = 1) -> Case:
    """Run one case now, write its evidence, and say how it went."""
    drill = drills().get(number)
    if drill is None:
        return Case(number, TITLES[number - 1], "unbuilt", commit())
    began = time.monotonic()
    try:
        detail, survived = drill(seed), True
    except AssertionError as error:
        detail, survived = str(error) or repr(error), False
    seconds = time.monotonic() - began
    record(number, survived=survived, seed=seed, seconds=seconds, detail=detail)
    outcome = "survived" if survived else "failed"
    return Case(number, TITLES[number - 1], outcome, commit(), seed, round(seconds, 2), detail)
