"""Virtual time and a virtual network: everything that happens, happens in an order the seed decides."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from random import Random

from medloom.simulator.business import SYNTHETIC, Business
from medloom.simulator.scenario import Scenario


class World:
    """An agenda of things to happen, a source of chance, and the network's manners."""

    def __init__(self, seed: int, scenario: Scenario, business: Business = SYNTHETIC) -> None:
        self.random = Random(seed)  # noqa: S311 (a simulation, no secret)
        self.scenario = scenario
        self.business = business
        self.now_s = 0.0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._minted = 0

    def mint(self) -> str:
        """32 hex digits nobody had before."""
        self._minted += 1
        return f"{self.random.getrandbits(128):032x}"

    def chance(self, share: float) -> bool:
        """True that often."""
        return share > 0 and self.random.random() < share

    def after(self, mean_s: float) -> float:
        """A waiting time with that mean."""
        return self.random.expovariate(1 / mean_s)

    def at(self, delay_s: float, happens: Callable[[], None]) -> None:
        """Put something on the agenda."""
        heapq.heappush(self._agenda, (self.now_s + delay_s, next(self._order), happens))

    def run(self, until_s: float) -> None:
        """Let things happen until then; what is later stays on the agenda, and never happens."""
        while self._agenda and self._agenda[0][0] <= until_s:
            self.now_s, _, happens = heapq.heappop(self._agenda)
            happens()
        self.now_s = until_s

    def deliver(self, packet: Callable[[], None]) -> None:
        """Carry a packet: it may get lost, come twice, or come very late. So packets overtake each other."""
        bad = self.scenario
        copies = 2 if self.chance(bad.duplicate) else 1
        if self.chance(bad.loss):
            copies -= 1
        for _ in range(copies):
            delay_s = self.after(bad.step_s / 100)
            if self.chance(bad.late):
                delay_s += self.random.random() * bad.horizon_s / 3
            self.at(delay_s, packet)
