"""Taking the tour: begin, go on, go back, dismiss. Where it stands is kept with the login."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from medloom.interfaces.web.tour import KEY, OFF, stops_of
from medloom.interfaces.web.viewer import viewer_of

_MOVES = {"start": None, "next": 1, "back": -1}


def take_tour(request: HttpRequest) -> HttpResponse:
    """Move the tour and open the page of its step; dismissing it leads to the overview."""
    act = request.POST.get("act", "")
    if request.method != "POST" or act not in (*_MOVES, "dismiss"):
        return HttpResponseRedirect(reverse("web:overview"))
    stops = stops_of(viewer_of(request))
    stood = request.session.get(KEY)
    step = _MOVES.get(act)
    at = 0 if step is None or not isinstance(stood, int) else stood + step
    if act == "dismiss" or at >= len(stops):
        request.session[KEY] = OFF
        return HttpResponseRedirect(reverse("web:overview"))
    request.session[KEY] = at = max(0, at)
    return HttpResponseRedirect(stops[at].address)
