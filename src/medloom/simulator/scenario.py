"""What a seed is about: how bad the network is, and which disasters happen."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

HOUR_S = 3_600
DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """All times follow from `horizon_s`, how long people work; `step_s` is how often an agent acts."""

    horizon_s: float = 6 * HOUR_S
    steps: int = 50
    edits: int = 16
    events: int = 16
    loss: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    crash: float = 0.0
    write_back_crash: float = 0.0
    offline: bool = False
    clock_jumps: bool = False
    slow_transactions: bool = False
    sequencer_lags: bool = False
    site_restore: bool = False
    store_lost: bool = False
    clone: str = ""
    hub_restore: str = ""
    prunes: bool = False
    hq_agent: bool = False
    settles: bool = True

    @property
    def step_s(self) -> float:
        """Mean time between two steps of an agent."""
        return self.horizon_s / self.steps

    def calm(self) -> Scenario:
        """The same people, without any fault."""
        kept = {"horizon_s": self.horizon_s, "steps": self.steps, "hq_agent": self.hq_agent}
        return Scenario(**kept)  # type: ignore[arg-type]

    def named(self) -> str:
        """What is switched on, for a report."""
        shown = [
            f"{f.name}={v}" for f in fields(self) if (v := getattr(self, f.name)) not in (False, "", 0.0)
        ]
        return " ".join(shown)


def draw(random: Random) -> Scenario:
    """A scenario for one seed: every fault may meet every other."""
    clone = random.choice(["", "", "", "", "cold", "hot"])
    horizon_s = random.choice([5 * HOUR_S, 5 * HOUR_S, 3 * DAY_S, 30 * DAY_S]) if not clone else 5 * HOUR_S
    return Scenario(
        horizon_s=horizon_s,
        loss=random.choice([0.0, 0.1, 0.3]),
        duplicate=random.choice([0.0, 0.15]),
        late=random.choice([0.0, 0.05]),
        crash=random.choice([0.0, 0.03]),
        write_back_crash=random.choice([0.0, 0.2]),
        offline=random.random() < 0.4,
        clock_jumps=random.random() < 0.3,
        slow_transactions=random.random() < 0.6,
        sequencer_lags=random.random() < 0.4,
        site_restore=random.random() < 0.3,
        store_lost=random.random() < 0.1,
        clone=clone,
        hub_restore=random.choice(["", "", "", "told", "told", "silent"]),
        prunes=random.random() < 0.3,
        hq_agent=random.random() < 0.5,
    )
