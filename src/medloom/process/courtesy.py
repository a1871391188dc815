"""Pages first: a large push stands still for a moment while somebody waits for a page.

Three backlogs at once take all of a small machine, and a page then took five times as long (fault 26). So
every web process of the machine writes down, in eight bytes that all of them share, until when a page
probably is being made; a large push looks there before each trip to the database, where it waits anyway,
and goes on when the page is out. Nobody is starved: however many people look, a push takes WAIT_SHARE + 1
times as long at most, and PAGE_S.
"""

import mmap
import struct
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from medloom.process.state import current

#: A page that has not ended after this long no longer keeps anybody waiting.
PAGE_S = 0.25
#: Waiting that one push may add, in parts of the time it has worked.
WAIT_SHARE = 2.0
STEP_S = 0.002
_UNTIL = struct.Struct("=d")


class Courtesy:
    """The shared moment; `clock` must be one that all processes of the machine read alike."""

    def __init__(self, place: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._pages = 0
        self._counting = threading.Lock()  # a lost count would hold every push up, or none, for ever
        try:
            with place.open("a+b") as file:
                file.truncate(_UNTIL.size)
                self._shared = mmap.mmap(file.fileno(), _UNTIL.size)
        except OSError:  # no state folder to write in: then only this process knows of its pages
            self._shared = mmap.mmap(-1, _UNTIL.size)

    @property
    def until(self) -> float:
        """When the page that is being made will probably be out; the past when there is none."""
        return float(_UNTIL.unpack_from(self._shared)[0])

    def begin(self) -> None:
        """A page is asked for."""
        with self._counting:
            self._pages += 1
            _UNTIL.pack_into(self._shared, 0, self.clock() + PAGE_S)

    def end(self) -> None:
        """It is out. Pages of other processes are forgotten with it: they lose a little, no push waits on."""
        with self._counting:
            self._pages -= 1
            if not self._pages:
                _UNTIL.pack_into(self._shared, 0, 0.0)

    def giving_way(self) -> Callable[[], None]:
        """For one push: a function to call now and then, which waits while a page is being made."""
        start, waited = self.clock(), 0.0

        def give_way() -> None:
            nonlocal waited
            while (now := self.clock()) < self.until <= now + PAGE_S:
                if waited > PAGE_S + WAIT_SHARE * (now - start - waited):
                    return
                time.sleep(STEP_S)
                waited += self.clock() - now

        return give_way


@lru_cache(maxsize=1)
def courtesy() -> Courtesy:
    """That of this machine's hub."""
    return Courtesy(current().path / "pages")
