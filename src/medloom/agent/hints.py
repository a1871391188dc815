"""The hub's hints that a feed of this site has news, heard beside the agent's work.

A hint says "ask now" and nothing else: what there is comes by the ordinary pull, and without any hint it
comes by polling. So a hint may be lost, repeated or false. The thread touches no store and no machine; it
leaves the feeds' names where the agent looks before it sleeps.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import httpx
import msgspec
import structlog

from medloom.agent.transport import CONNECT_SECONDS, Pause
from medloom.wire.operation import CHAINS

log = structlog.get_logger(__name__)
PATH = "/sync/hints"
#: The hub says something at least every 15 seconds; a stream silent for longer is broken.
SILENT_SECONDS_MAX = 40.0


class _Moved(msgspec.Struct):
    feeds: tuple[str, ...] = ()


class Hints:
    """`headers` signs a request for the hints of a session, given its token."""

    def __init__(self, headers: Callable[[str], dict[str, str]]) -> None:
        self.headers = headers
        self.alive = False
        self._place = self._token = ""
        self._news: set[str] = set()
        self._lock = threading.Lock()
        self._rung = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, place: str, token: str) -> None:
        """Listen there with that session; the first call starts the thread. Without a place, poll."""
        self._place, self._token = place, token
        if place and self._thread is None:
            self._thread = threading.Thread(target=self._listen, name="hints", daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Sleep that long, or until a hint comes."""
        self._rung.wait(seconds)

    def take(self) -> set[str]:
        """The feeds hinted at since the last call."""
        with self._lock:
            self._rung.clear()
            news, self._news = self._news, set()
        return news & set(CHAINS)

    def close(self) -> None:
        """Listen no more; the thread ends with what it hears next, or with the process."""
        self._closed.set()

    def _listen(self) -> None:
        pause = Pause(random.Random())  # noqa: S311 (jitter, no secret)
        timeout = httpx.Timeout(SILENT_SECONDS_MAX, connect=CONNECT_SECONDS)
        with httpx.Client(timeout=timeout) as client:
            while not self._closed.is_set():
                try:
                    self._follow(client, pause)
                except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                    log.info("hints_lost", reason=f"{type(error).__name__}: {error}"[:200])
                self.alive = False
                self._closed.wait(pause.next_seconds(at_least=0.1))

    def _follow(self, client: httpx.Client, pause: Pause) -> None:
        with client.stream("POST", self._place + PATH, headers=self.headers(self._token)) as answer:
            if answer.status_code != 200:
                return  # a session that is over, or a hub that gives no hints: the agent polls
            for line in answer.iter_lines():
                if self._closed.is_set():
                    return
                self._hear(line)
                if self.alive:
                    pause.end()

    def _hear(self, line: str) -> None:
        """One line of the stream: the begin wakes every feed, since there was nobody to hear before it."""
        if line == "event: ready":
            self.alive = True
            self._ring(*CHAINS)
        elif line.startswith("data:"):
            try:
                self._ring(*msgspec.json.decode(line[5:], type=_Moved).feeds)
            except msgspec.MsgspecError:
                log.warning("hint_unreadable", line=line[:200])

    def _ring(self, *feeds: str) -> None:
        with self._lock:
            self._news.update(feeds)
            self._rung.set()
