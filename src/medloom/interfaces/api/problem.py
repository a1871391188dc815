"""Problem details (RFC 9457): every answer of the doors that is no good one, in one form.

`type` and `code` are stable, `title` says what the code means, `todo` what to do about it; both come from
the table that api/errors.md is made of. A refused operation adds its verdict and where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse

from medloom.derive.codes import CODES
from medloom.derive.codes_api import todo_of
from medloom.wire.verdict import Refusal

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A request cannot be answered as asked: HTTP status, stable code, which part, what would be right."""

    def __init__(
        self,
        status: int,
        code: str,
        *,
        path: str = "",
        expected: str = "",
        got: str = "",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(code)
        self.status, self.code = status, code
        self.path, self.expected, self.got = path, expected, got
        self.headers, self.more = dict(headers or {}), more

    @classmethod
    def of(cls, refusal: Refusal, *, status: int, **more: Any) -> Problem:
        """The problem that the write door's refusal makes."""
        return cls(
            status,
            refusal.code,
            path=refusal.path,
            expected=refusal.expected,
            got=refusal.got,
            **more,
        )

    @property
    def body(self) -> dict[str, Any]:
        """The members of the answer."""
        meant = CODES.get(self.code) or CODES.get(f"{self.code.split('_', 1)[0]}_<type>")
        found: dict[str, Any] = {
            "type": f"urn:medloom:problem:{self.code}",
            "title": str(meant.means) if meant else self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
        }
        if meant:
            found["todo"] = todo_of(self.code, meant)
        for name in ("path", "expected", "got"):
            if value := getattr(self, name):
                found[name] = str(value)[:500]
        return {**found, **{name: value for name, value in self.more.items() if value not in (None, "")}}


def answer(problem: Problem, type: str | None = None) -> HttpResponse:
    """The HTTP answer of a problem; `type` is a standard's own name for it."""
    body = problem.body | ({"type": type} if type else {})
    response = HttpResponse(orjson.dumps(body), status=problem.status, content_type=MEDIA_TYPE)
    for name, value in problem.headers.items():
        response[name] = value
    return response
