"""Problem pages: what is wrong, why, and what to do, in the reader's language; JSON for programs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from medloom.interfaces.web.words import CAUSES
from medloom.wire.verdict import Refusal


class Problem(Exception):
    """A page cannot be given: status, stable code, and what would have been right."""

    def __init__(self, status: int, code: str, *, path: str = "", expected: str = "", got: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.path, self.expected, self.got = status, code, path, expected, got

    @classmethod
    def of(cls, refusal: Refusal, *, status: int = 422) -> Problem:
        """The problem that a refusal makes."""
        return cls(status, refusal.code, path=refusal.path, expected=refusal.expected, got=refusal.got)


_TITLES = {
    400: (
        gettext_lazy("The request cannot be read"),
        gettext_lazy("Go back, correct what you entered, and send it again."),
    ),
    401: (gettext_lazy("Please log in"), gettext_lazy("Log in and open the page again.")),
    403: (
        gettext_lazy("You may not do this"),
        gettext_lazy(
            "Ask a person whose role allows it. If the page stood open for long, reload it and try again."
        ),
    ),
    404: (
        gettext_lazy("There is nothing at this address"),
        gettext_lazy("It may belong to another party, or the address is mistyped. Search for its number."),
    ),
    405: (gettext_lazy("This is not possible at this address"), gettext_lazy("Open the page from the menu.")),
    409: (
        gettext_lazy("It changed meanwhile"),
        gettext_lazy("Open it again to see what stands now, then decide anew."),
    ),
    413: (gettext_lazy("Too much at once"), gettext_lazy("Send it in smaller parts.")),
    422: (
        gettext_lazy("This is not possible as asked"),
        gettext_lazy("Correct what is named below and send it again."),
    ),
    429: (gettext_lazy("Too many attempts"), gettext_lazy("Wait a quarter of an hour, then try again.")),
    500: (
        gettext_lazy("Something broke on our side"),
        gettext_lazy(
            "Nothing of this request was recorded. Try again; if it happens again, tell your administrator."
        ),
    ),
    503: (
        gettext_lazy("The database does not answer"),
        gettext_lazy("Nothing was recorded. Try again in a minute."),
    ),
}
_CODES = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method",
    429: "locked_out",
    500: "broken",
    503: "unavailable",
}


def _back(request: HttpRequest) -> str:
    """The page that the person came from, when it is one of ours."""
    came = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(came, {request.headers.get("Host", "")}):
        return ""
    return came if request.method == "POST" or not came.endswith(request.get_full_path()) else ""


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The page of a problem, or its JSON for a program."""
    title, todo = _TITLES.get(problem.status) or _TITLES[400]
    cause = CAUSES.get(problem.code)
    context: dict[str, Any] = {
        "status": problem.status,
        "code": problem.code,
        "title": title,
        "why": cause.label if cause else "",
        "todo": (cause.todo if cause and cause.todo else todo),
        "path": problem.path,
        "expected": problem.expected,
        "got": problem.got,
        "back": _back(request),
    }
    accept = request.headers.get("Accept", "")
    if "application/json" in accept or "application/problem+json" in accept:
        body = {k: str(v) for k, v in context.items() if v and k not in ("status", "back")}
        return JsonResponse({**body, "status": problem.status}, status=problem.status)
    return HttpResponse(
        render_to_string("medloom/problem.html", context, request=None), status=problem.status
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return answer(request, Problem(400, _CODES[400]))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return answer(request, Problem(403, _CODES[403]))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is missing or old."""
    return answer(request, Problem(403, "form_expired", got=_("the form is older than your login")))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404; another party's object looks the same as none."""
    return answer(request, Problem(404, _CODES[404]))


def broken(request: HttpRequest) -> HttpResponse:
    """500; the reason is in the log, never on the page."""
    return answer(request, Problem(500, _CODES[500]))


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """429 after too many wrong passwords."""
    return answer(request, Problem(429, _CODES[429]))
