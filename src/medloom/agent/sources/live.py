"""What every live source gives: lines with the place they stand at, and where hearing was interrupted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from medloom.agent.signals import Signal
from medloom.wire.verdict import Refusal


@dataclass(frozen=True, slots=True)
class Told:
    """One line as the source told it. `place` names it among all lines of the stream, for ever.

    refusal  why it could not be read; then there are no signals
    again    it was kept before: the source gives it once more, because it does not know that
    """

    place: str
    raw: bytes
    signals: tuple[Signal, ...] = ()
    refusal: Refusal | None = None
    again: bool = False


@dataclass
class Heard:
    """Lines taken together, in one transaction of the agent's store.

    position  where reading goes on after them; kept with them
    gap       why lines before them may be missing, "" when none can be
    """

    lines: list[Told] = field(default_factory=list)
    position: str = ""
    gap: str = ""


class LiveSource(Protocol):
    """A machine's stream. It never waits and never raises for what the machine or the network does."""

    def hear(self, position: str, *, now: float) -> Heard | None:
        """What has arrived behind that position; None when there is nothing. `now` is monotonic seconds."""
        ...

    def keep(self, heard: Heard) -> None:
        """These lines are durably kept: the source may be told so, and they are not given again."""
        ...

    def refuse(self) -> None:
        """They could not be kept: they are given again."""
        ...

    def trouble(self) -> str:
        """What is wrong with the connection, "" for nothing."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...
