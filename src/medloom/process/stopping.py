"""Signals that end a process, heard without a deadlock.

A handler runs between two steps of the main thread. `Event.set` takes the lock that `Event.wait` of that
same thread may just hold, and then both wait for ever. `SimpleQueue.put` is made for handlers (reentrant);
a thread of its own takes the word from there.
"""

import signal
import threading
from queue import SimpleQueue

ENDING = (signal.SIGTERM, signal.SIGINT)


def set_on_signal(stop: threading.Event, *signals: signal.Signals) -> None:
    """From now on these signals (SIGTERM and SIGINT when none is named) set `stop`. Main thread only."""
    heard: SimpleQueue[int] = SimpleQueue()

    def listen() -> None:
        heard.get()
        stop.set()

    for how in signals or ENDING:
        signal.signal(how, lambda number, _: heard.put(number))
    threading.Thread(target=listen, name="stopping", daemon=True).start()
