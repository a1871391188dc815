"""What surrounds every page: the sidebar with its counts, who is looking, where live hints come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from medloom.interfaces.web.pagemap import CHAPTERS, Page
from medloom.interfaces.web.tour import tour_of
from medloom.interfaces.web.viewer import Viewer, now, viewer_of
from medloom.kernel.entity import catalogue


@dataclass(frozen=True)
class Line:
    """One line of the sidebar as drawn."""

    label: object
    icon: str
    address: str
    here: bool
    count: int = 0
    hot: bool = False


@dataclass(frozen=True)
class Heading:
    """One heading of the sidebar as drawn."""

    label: object
    pages: list[Line]


def _shown(page: Page, viewer: Viewer) -> bool:
    known = catalogue()
    return all(t in known for t in page.types) and (page.who == "all" or viewer.registrant)


def _here(page: Page, request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is None:
        return False
    type_ = match.kwargs.get("type_", "")
    return type_ in page.types if type_ else match.url_name in (page.name, *page.also)


def chapters(request: HttpRequest, viewer: Viewer, counts: dict[str, int]) -> list[Heading]:
    """The sidebar for this viewer: only pages that exist and that they may open."""
    found = []
    for chapter in CHAPTERS:
        lines = [
            Line(
                p.label,
                p.icon,
                p.address,
                _here(p, request),
                counts.get(p.name, 0),
                p.name in ("conflicts", "alarms"),
            )
            for p in chapter.pages
            if _shown(p, viewer)
        ]
        if lines:
            found.append(Heading(chapter.label, lines))
    return found


def live_address() -> str:
    """Where the browser listens: a whole address, or a port on the page's own host; nowhere for port 0."""
    if not settings.LIVE_URL and not settings.LIVE_PORT:
        return ""
    return f"{settings.LIVE_URL}/live" if settings.LIVE_URL else f":{settings.LIVE_PORT}/live"


def _frame(request: HttpRequest) -> dict[str, Any]:
    viewer = viewer_of(request)
    return {
        "chapters": chapters(request, viewer, _counts(viewer)),
        "person": viewer.person,
        "party": viewer.party,
        "role": viewer.role,
        "site": viewer.site,
        "live": live_address(),
        "sought": request.GET.get("q", "") if request.path.startswith("/find") else "",
        "now": now(),
        "tour": tour_of(request, viewer),
        "demonstration": getattr(settings, "DEMONSTRATION", False),
    }


def _counts(viewer: Viewer) -> dict[str, int]:
    """How much waits on the pages where a person must decide."""
    if not apps.is_installed("medloom.kernel"):
        return {}
    from medloom.interfaces.web.desk import open_counts

    return open_counts(viewer)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the frame, read only where a page uses it and somebody is logged in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"frame": SimpleLazyObject(lambda: _frame(request)), "viewer": viewer_of(request)}
