"""The simulator's fault cases: 1 to 12, and 25. `CASES[number](seed)` runs one, as a drill of `faults`.

Cases 1 to 7 and 25 are scenarios of the simulator with their own faults, over several seeds; 8 to 12
are told step by step, because what has to be seen is a particular verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from medloom.simulator import stories
from medloom.simulator.run import Run
from medloom.simulator.scenario import DAY_S, HOUR_S, Scenario

#: Seeds that one run of a scenario case covers, from the given one on.
SEEDS_EACH = 10


@dataclass(frozen=True)
class Outcome:
    """What one run of a case found."""

    survived: bool
    detail: str
    seed: int
    seconds: float


def _nothing(run: Run) -> str:
    return ""


def _runs(scenario: Scenario, *, needs: Callable[[Run], str] = _nothing) -> Callable[[int], Iterator[str]]:
    """Seeds of one scenario; `needs` says what should have happened in a run and did not."""

    def run(seed: int) -> Iterator[str]:
        for each in range(seed, seed + SEEDS_EACH):
            built = Run(each, scenario)
            yield from (f"seed {each}: {found}" for found in built.outcome().violations)
            missing = needs(built)
            if missing:
                yield f"seed {each}: {missing}"

    return run


def _clone_found(run: Run) -> str:
    found = {code for code, _, _ in run.hub.store.alarms}
    return "" if "clone" in found else "two agents ran and nobody was told"


def _skew_found(run: Run) -> str:
    jumped = any(abs(actor.clock_off_s) > 300 for actor in run.actors)
    found = {code for code, _, _ in run.hub.store.alarms}
    return "" if "skew" in found or not jumped else "a clock was far off and nobody was told"


_HOURS = 5 * HOUR_S
_SCENARIOS: dict[int, Callable[[int], Iterator[str]]] = {
    1: _runs(Scenario(horizon_s=_HOURS, loss=0.3, duplicate=0.15, late=0.1, hq_agent=True)),
    2: _runs(Scenario(horizon_s=60 * DAY_S, offline=True, edits=24)),
    3: _runs(Scenario(horizon_s=60 * DAY_S, clock_jumps=True, loss=0.1), needs=_skew_found),
    4: _runs(Scenario(horizon_s=_HOURS, site_restore=True, loss=0.1, crash=0.03)),
    5: _runs(Scenario(horizon_s=_HOURS, clone="cold", loss=0.05), needs=_clone_found),
    6: _runs(Scenario(horizon_s=30 * DAY_S, hub_restore="told", hq_agent=True, sequencer_lags=True)),
    7: _runs(Scenario(horizon_s=_HOURS, hub_restore="told", site_restore=True, loss=0.1, crash=0.03)),
    # No hint ever reaches an agent of the simulator: it polls. Here with a network that is bad as well.
    25: _runs(Scenario(horizon_s=_HOURS, loss=0.3, late=0.1, sequencer_lags=True, hq_agent=True)),
}
_STORIES: dict[int, Callable[[int], Iterator[str]]] = {
    8: stories.hold_and_finish,
    9: stories.two_edits,
    10: stories.delete_and_edit,
    11: stories.same_lot_number,
    12: stories.late_packet,
}


def _drill(number: int, run: Callable[[int], Iterator[str]]) -> Callable[[int], str]:
    def drill(seed: int) -> str:
        found = list(run(seed))
        assert not found, "; ".join(found[:5])
        seeds = SEEDS_EACH if number in _SCENARIOS else 1
        return f"{seeds} {'seeds' if seeds > 1 else 'seed'} from {seed}, every promise kept"

    return drill


#: Case number -> drill(seed): says what it covered, raises AssertionError with what was broken.
CASES: dict[int, Callable[[int], str]] = {
    number: _drill(number, run) for number, run in sorted((_SCENARIOS | _STORIES).items())
}


def run_case(number: int, seed: int = 0) -> Outcome:
    """Run one case without writing evidence. Raises KeyError for a case that is not built here."""
    began = time.perf_counter()
    try:
        detail, survived = CASES[number](seed), True
    except AssertionError as error:
        detail, survived = str(error), False
    return Outcome(survived, detail, seed, round(time.perf_counter() - began, 2))
