"""The frame of every address under /api/: authenticate, run, and turn whatever goes wrong into a problem.

A view gets the authenticated caller. It opens `caller.seeing()` for what it reads; the write door opens
its own transaction, which must be the outermost, so a view that writes does so outside of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.csrf import csrf_exempt

from medloom.interfaces.api.caller import TAKEN, Caller, caller_of
from medloom.interfaces.api.problem import Problem, answer
from medloom.interfaces.sync import NO_DATABASE, RETRY_AFTER_S
from medloom.kernel.access import NoSite
from medloom.kernel.ledger import Busy, Unfit

log = logging.getLogger(__name__)
#: A view of the doors: (request, caller, parts of the address) -> answer.
View = Callable[..., HttpResponse]
_COME_BACK = {"Retry-After": str(RETRY_AFTER_S)}


def door(
    *, told: Mapping[str, str] | None = None, types: Mapping[str, str] | None = None, **views: View
) -> Callable[..., HttpResponse]:
    """One address with a view for each method: `door(GET=show, POST=make)`. HEAD is GET without its body.

    `told` are headers of the answer to OPTIONS; `types` are a standard's own names of problems by our codes.
    """
    allowed = ", ".join(sorted({*views, *(("HEAD",) if "GET" in views else ()), "OPTIONS"}))

    @csrf_exempt
    @wraps(next(iter(views.values())))
    def guarded(request: HttpRequest, **parts: Any) -> HttpResponse:
        with translation.override("en"):
            if request.method == "OPTIONS":
                empty = HttpResponse(status=204, headers={"Allow": allowed, **(told or {})})
                del empty["Content-Type"]
                return empty
            found = _kept(request, views, allowed, parts)
        if isinstance(found, Problem):
            language = language_of(request.headers.get("Accept-Language", ""))
            with translation.override(language):
                response = answer(found, (types or {}).get(found.code))
            response["Content-Language"] = language
        else:
            response = found
        taken = request.META.get(TAKEN)
        for name, value in taken.headers.items() if taken is not None else ():
            response[name] = value
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response

    return guarded


def language_of(accept: str) -> str:
    """The language in which a problem is told: Chinese for whoever prefers it to English, else English.

    What is written is judged in English in any case: a decision in the ledger is the same for all readers.
    """
    for name, _ in parse_accept_lang_header(accept[:200].lower()):
        if name.startswith(("zh", "en")):
            return "zh-hans" if name.startswith("zh") else "en"
    return "en"


def _kept(
    request: HttpRequest, views: dict[str, View], allowed: str, parts: dict[str, Any]
) -> HttpResponse | Problem:
    """The view's answer, or the problem; nothing becomes a bare 500."""
    try:
        return _answer(request, views, allowed, parts)
    except Problem as problem:
        return problem
    except NoSite:
        return Problem(403, "no_site")
    except Http404:
        return Problem(404, "nothing_here")
    except SuspiciousOperation as error:
        return Problem(400, "request_wrong", got=str(error)[:200])
    except Busy:
        return Problem(503, "busy", headers=_COME_BACK)
    except Unfit:
        return Problem(503, "hub_unfit", headers=_COME_BACK)
    except (*NO_DATABASE, OperationalError, InterfaceError) as error:
        log.warning("the database does not answer at %s: %s", request.path, error)
        return Problem(503, "hub_unfit", headers=_COME_BACK)
    except DataError:  # asked for with a value that PostgreSQL does not know
        return Problem(400, "value_impossible")
    except Exception:
        log.exception("%s %s", request.method, request.path)
        return Problem(500, "hub_broken")


def _answer(
    request: HttpRequest, views: dict[str, View], allowed: str, parts: dict[str, Any]
) -> HttpResponse:
    method = "GET" if request.method == "HEAD" else str(request.method)
    caller = caller_of(request, timezone.now())
    view = views.get(method)
    if view is None:
        raise Problem(405, "method_unknown", expected=allowed, got=method[:20], headers={"Allow": allowed})
    return view(request, caller, **parts)


def nothing(request: HttpRequest, caller: Caller, **parts: Any) -> HttpResponse:
    """What stands at an address that is none."""
    raise Problem(404, "nothing_here", got=request.path[:200])
