"""What became of the rows of each feed, counted by row: a row has the worst verdict of what it became."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from medloom.agent.collector import Taken
from medloom.wire.feed import FeedLine
from medloom.wire.messages import Answers, Page, Reply
from medloom.wire.verdict import Verdict

VERDICTS = ("accepted", "parked", "quarantined", "rejected", "conflict", "op_id_reuse", "repeated", "ignored")


@dataclass
class Tally:
    """Counts of one agent's run. Give it what the agent takes and hears."""

    plant: str
    rows: list[Taken] = field(default_factory=list)
    said: dict[str, tuple[str, bool, bool]] = field(default_factory=dict)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def take(self, rows: Iterable[Taken]) -> None:
        """Rows that the agent has taken."""
        for row in rows:
            # A table is read again and again: a row that says nothing new counts the first time only.
            if row.ids or (row.feed, row.at) not in self._seen:
                self.rows.append(row)
                self._seen.add((row.feed, row.at))

    def hear(self, reply: Reply) -> None:
        """A reply of the hub: answers, and lines about what was parked before."""
        if isinstance(reply, Answers):
            for answer in reply.answers:
                self.said[answer.id] = (str(answer.verdict), bool(answer.findings), answer.repeated)
        elif isinstance(reply, Page):
            for line in reply.lines:
                self._line(line)

    def _line(self, line: FeedLine) -> None:
        """A parked operation that was judged again has its last verdict."""
        known = self.said.get(line.id)
        if known is not None and known[0] == Verdict.PARKED and line.verdict != Verdict.PARKED:
            self.said[line.id] = (str(line.verdict), bool(line.decided().get("findings")), False)

    def feeds(self) -> list[dict[str, Any]]:
        """One object for each feed, in the order in which they were first read."""
        found: dict[str, tuple[Counter[str], Counter[str]]] = {}
        for row in self.rows:
            counts, normalised = found.setdefault(row.feed, (Counter(), Counter()))
            counts["read"] += row.lines
            verdict, findings = self._verdict(row)
            counts[row.fate or verdict] += row.lines
            counts["with_findings"] += findings * row.lines
            normalised.update(row.normalised)
        return [
            {
                "plant": self.plant,
                "feed": feed,
                "read": counts["read"],
                "with_findings": counts["with_findings"],
                **{name: counts[name] for name in VERDICTS},
                "normalised": dict(sorted(normalised.items())),
            }
            for feed, (counts, normalised) in found.items()
        ]

    def _verdict(self, row: Taken) -> tuple[str, bool]:
        """The row's verdict, and whether it was accepted with findings. Unanswered: `unanswered`."""
        said = [self.said.get(each) for each in row.ids]
        if any(each is None for each in said):
            return "unanswered", False
        fresh = [each for each in said if each is not None and not each[2]]
        if not fresh:
            return "repeated", False
        worst = max(fresh, key=lambda each: Verdict(each[0]).rank)
        accepted = worst[0] == Verdict.ACCEPTED
        return worst[0], accepted and any(each[1] for each in fresh)
