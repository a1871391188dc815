"""Whether a program that listens still answers: a process that hangs is not dead, and nobody would end it.

Any answer counts, errors too: pages that say the database is gone come from a program that lives.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger("medloom.process")

EVERY_S = 10.0
#: So many of the last so many questions unanswered: it hangs. One hanging worker of two misses half of them.
MISSED, OF = 4, 6


class Pulse:
    """Asks one program again and again, and has it ended when it no longer answers."""

    def __init__(self, name: str, *, answers: Callable[[], bool], end: Callable[[], None]) -> None:
        """answers: False after a bounded time; end: called when the program hangs, it is started again."""
        self._name = name
        self._answers = answers
        self._end = end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, name=f"pulse of {name}", daemon=True)

    def start(self) -> None:
        """From now on, in a thread of its own: a question to a program that hangs takes its time."""
        self._thread.start()

    def stop(self) -> None:
        """No more questions; returns at once."""
        self._stop.set()

    def _ask(self) -> None:
        last: deque[bool] = deque(maxlen=OF)
        while not self._stop.wait(EVERY_S):
            last.append(self._answers())
            if last.count(False) >= MISSED and not self._stop.is_set():
                log.error(
                    "%s left %d of %d questions unanswered: ending it, it is started again",
                    self._name, last.count(False), len(last),
                )  # fmt: skip
                self._end()
                last.clear()
