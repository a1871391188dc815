"""Room for the database: the hub stops writing while there still is some.

PostgreSQL ends at once when its log cannot grow, and then nobody reads either. So below a floor of free space
the write door says 503 and everything is kept where it came from; pages and feeds are read as before, and
with room again writing goes on by itself (fault case 16). Only for the embedded database: of another
server's disk we know nothing, and its own error says the same.
"""

import os
import time

from medloom.process.state import current, external_url

#: Free space below which nothing is written: some eight files of PostgreSQL's log.
FLOOR_MIB = 128
LOOK_EVERY_S = 0.5

_looked: dict[str, tuple[float, int]] = {}


def floor_bytes() -> int:
    """The floor, in bytes; MEDLOOM_FREE_MIB_MIN names another."""
    told = os.environ.get("MEDLOOM_FREE_MIB_MIN", "")
    return (int(told) if told.isdecimal() else FLOOR_MIB) * 1024 * 1024


def free_bytes() -> int | None:
    """Free space where the embedded database lies, at most LOOK_EVERY_S old; None for another server."""
    if external_url():
        return None
    place = str(current().path)
    now = time.monotonic()
    kept = _looked.get(place)
    if kept is None or now - kept[0] > LOOK_EVERY_S:
        try:
            found = os.statvfs(place)
        except OSError:
            return None
        kept = _looked[place] = (now, found.f_bavail * found.f_frsize)
    return kept[1]


def scarce() -> bool:
    """Whether there is too little room to write."""
    free = free_bytes()
    return free is not None and free < floor_bytes()
