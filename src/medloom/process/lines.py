"""Log lines that cannot be forged: whatever a record quotes, it stays one line and shows every character.

A name or path from outside may hold line breaks, terminal commands or marks of direction (fault case 56,
ASVS 16.4.1). They are written as `\\n`, `\\x1b`, `\\u202e`; a traceback keeps its lines, each behind a bar.
"""

import logging
from collections.abc import MutableMapping
from typing import Any


def one_line(text: str) -> str:
    """The text with every character that is not drawn written out."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )


class Lines(logging.Formatter):
    """Formats a record as one line, and what follows it (traceback, stack) as lines behind a bar."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (the library's name)
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return self._barred(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return self._barred(super().formatStack(stack_info))

    @staticmethod
    def _barred(text: str) -> str:
        return "\n".join(f"    | {one_line(line)}" for line in text.split("\n"))


def encode_values(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog's processor: the same for every text of an agent's log."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = one_line(value)
    return event
