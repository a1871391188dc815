"""One request, one view of the world: who is let in, whose rows are seen, and where a write happens.

A view runs inside one transaction that sees what the person's party may see. A view that wants to
write returns a `Writing`: the write door opens its own transaction afterwards (it must be the outermost),
and `then` makes the answer, again with the person's own view.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation

from medloom.hub import wiring
from medloom.interfaces.web import problems, rehearsal
from medloom.interfaces.web.viewer import HQ, viewer_of
from medloom.kernel import access, ledger
from medloom.wire.operation import Operation
from medloom.wire.verdict import Answer

log = logging.getLogger(__name__)

#: Addresses of this application that need no login.
OPEN = frozenset({"login", "language", "health"})


@dataclass(frozen=True)
class Writing:
    """Operations to be recorded in the name of the person's site, and what to answer afterwards."""

    operations: Sequence[Operation]
    then: Callable[[list[Answer]], HttpResponse]
    #: For each operation the record it answers (a repair's refused row, a settlement's conflict).
    causes: Sequence[int] = ()
    #: Only ask what would be answered: nothing is recorded.
    rehearse: bool = False
    #: In which site's name, when the registrant's people mend a plant's row; empty is their own.
    author: str = ""


def sees(request: HttpRequest) -> str:
    """The setting of row-level security for this person."""
    site = request.user.site  # type: ignore[union-attr]
    return access.ALL if site == HQ else site


class Scope:
    """Middleware around the views of the pages; other interfaces have their own doors."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Nothing to do around; `process_view` does it."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Run a view of the pages with the person's view of the world."""
        match = request.resolver_match
        if match is None or match.app_name != "web" or match.url_name in OPEN:
            return None
        if not request.user.is_authenticated:
            return _to_login(request)
        try:
            return _run(request, lambda: view(request, *args, **kwargs))
        except problems.Problem as problem:
            return problems.answer(request, problem)
        except access.NoSite:
            return problems.answer(request, problems.Problem(403, "no_site"))
        except ledger.Busy:
            return problems.answer(request, problems.Problem(409, "busy"))
        except ledger.Unfit:
            log.exception("nothing can be written at %s", request.path)
            return problems.answer(request, problems.Problem(503, "hub_unfit"))
        except (Http404, PermissionDenied, SuspiciousOperation):
            raise
        except DataError:
            # a NUL character, a number or date that PostgreSQL does not know: asked for, not broken
            return problems.answer(request, problems.Problem(400, "bad_request"))
        except (OperationalError, InterfaceError):
            log.exception("database does not answer at %s", request.path)
            return problems.answer(request, problems.Problem(503, "unavailable"))


def _run(request: HttpRequest, view: Callable[[], HttpResponse | Writing]) -> HttpResponse:
    with access.seeing(sees(request)):
        found = view()
        if not isinstance(found, Writing):
            return found
        # asked only here: after logging out there is nobody left to ask about
        author = found.author or viewer_of(request).site
    causes = list(found.causes) or [None] * len(found.operations)
    received = [
        ledger.own(operation, cause=cause) for operation, cause in zip(found.operations, causes, strict=True)
    ]
    door = rehearsal.rehearse if found.rehearse else ledger.append
    answers = door(received, author=author, wiring=wiring)
    with access.seeing(sees(request)):
        return found.then(answers)


def _to_login(request: HttpRequest) -> HttpResponse:
    address = f"{reverse('web:login')}?{urlencode({'next': request.get_full_path()})}"
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=401)
        answer["HX-Redirect"] = address
        return answer
    return HttpResponseRedirect(address)


def speak(response: HttpResponse, language: str) -> HttpResponse:
    """Remember the language in the browser for a year."""
    translation.activate(language)
    response.set_cookie("django_language", language, max_age=31_536_000, samesite="Lax", httponly=True)
    return response
