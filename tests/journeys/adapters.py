"""A machine's adapter as machines have them, for tests: it says what is now, and remembers nothing."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable


class Machine:
    """One adapter, with one connection at a time."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.talk: socket.socket | None = None

    def meet(self, do: Callable[[], object]) -> None:
        """Take the next connection; `do` makes the agent come."""
        self._listener.settimeout(0.05)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            do()
            try:
                found, _ = self._listener.accept()
                self.leave()
                self.talk = found
                return
            except TimeoutError:
                continue
        raise AssertionError("nobody came")

    def say(self, data: bytes) -> None:
        """Say that on the connection."""
        assert self.talk is not None
        self.talk.sendall(data)

    def leave(self) -> None:
        """End the connection."""
        if self.talk is not None:
            self.talk.close()

    def break_off(self) -> None:
        """End the connection as a machine does whose plug is pulled and put back: by a reset."""
        assert self.talk is not None
        self.talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.talk.close()

    def close(self) -> None:
        """Give the port back."""
        self.leave()
        self._listener.close()
