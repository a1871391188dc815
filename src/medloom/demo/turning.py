"""The generated stream of machine CNC-1: pieces of the machining plant, invented and marked so.

Most pieces run as planned. The third runs too slowly, the fourth by the program of the third, the fifth
names no program; one line is cut off and one condition comes and goes, as real adapters tell them.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal

from medloom.demo.plan import Setup

MACHINE, FAMILY = "CNC-1", "ROD"
MARK = " (generated)"
SPEED_RPM, FEED_IN_MIN = 4_200, 30
PIECES = 6
PIECE_SECONDS = 540


def plan() -> list[Setup]:
    """What the registrant planned for the first pieces."""
    speed, feed = Decimal(SPEED_RPM), Decimal(FEED_IN_MIN)
    return [Setup(part(nth), "short", speed, feed, program(nth)) for nth in range(1, PIECES + 1)]


def part(nth: int) -> str:
    """The lot number of a piece: a lot of one."""
    return f"{FAMILY}-{nth:02}"


def program(nth: int) -> str:
    """The NC program of a piece."""
    return f"ROD-{nth}.NC"


def piece(nth: int, begun: dt.datetime, *, seed: int = 23) -> Iterator[bytes]:
    """The lines of one piece from its first moment on. `begun` is UTC."""
    chance = random.Random(seed * 1_000 + nth)  # noqa: S311 (invented numbers, no secret)
    at = begun

    def line(*fields: str) -> bytes:
        return "|".join((f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z", *fields)).encode()

    speed = SPEED_RPM * 5 // 7 if nth == 3 else SPEED_RPM
    yield line("Part_Id", part(nth))
    yield line("avail", "AVAILABLE", "Program_Status", "READY")
    if nth != 5:
        yield line("Program_Name_Running", program(nth - 1 if nth == 4 else nth))
    at += dt.timedelta(seconds=20)
    yield line("Program_Status", "ACTIVE")
    for tool in (1, 4, 7):
        yield line("Current_Tool", f"{tool}.000000")
        for _ in range(12):
            at += dt.timedelta(seconds=chance.randrange(8, 16))
            share = chance.uniform(0.7, 0.99) if tool != 4 else 1.0
            yield line("Spindle_Speed", f"{speed * share:.6f}", "Block_Number", str(chance.randrange(900)))
            yield line("Feed_Rate", f"{chance.uniform(5, FEED_IN_MIN):.4f}")
        if nth == 2 and tool == 4:
            yield f"{at:%Y}".encode()
            yield line("coolant_cond", "FAULT", "C-17", "", "LOW", "coolant level low (generated)")
            yield line("Program_Status", "FEED_HOLD")
            at += dt.timedelta(seconds=45)
            yield line("coolant_cond", "NORMAL", "", "", "", "")
            yield line("Program_Status", "ACTIVE")
    at += dt.timedelta(seconds=5)
    yield line("Program_Status", "PROGRAM_COMPLETED")
    yield line("Part_Id", "UNAVAILABLE")


def pieces(count: int, *, until: dt.datetime) -> list[bytes]:
    """The lines of the first pieces, the last of which ends about `until`."""
    begun = until - dt.timedelta(seconds=PIECE_SECONDS * count)
    return [
        line
        for nth in range(1, count + 1)
        for line in piece(nth, begun + dt.timedelta(seconds=PIECE_SECONDS * (nth - 1)))
    ]
