"""API tokens: which programs of one's party may come in, made and ended here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from medloom.interfaces.web.viewer import Viewer, viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.kernel.entity import catalogue
from medloom.parties.models import Token
from medloom.parties.tokens import DAYS_MOST, SECRET_BYTES, grantable, make_token

#: Lifetimes offered, in days; the middle one unless another is chosen.
LIVES_DAYS = (7, 30, 90, 180, DAYS_MOST)
DEFAULT_DAYS = 90
#: Living tokens one person may have.
TOKENS_MOST = 20


@dataclass(frozen=True)
class Scope:
    """One object type in the form: what it is called, and whether this person may let a program write it."""

    type: str
    label: object
    writes: bool
    picked: bool


@dataclass(frozen=True)
class Line:
    """One token in the list."""

    token: Token
    state: str
    types: list[object]
    maker: str
    mine: bool


def _seen(viewer: Viewer, user: Any) -> QuerySet[Token]:
    """The tokens a person sees: their own; of their whole party if they answer for its technology."""
    tokens = Token.objects.select_related("user")
    if not viewer.may("it", "admin"):
        return tokens.filter(user=user)
    return tokens if viewer.registrant else tokens.filter(site=viewer.site)


def _state(token: Token) -> str:
    if token.revoked is not None:
        return "revoked"
    now = timezone.now()
    if token.expires <= now:
        return "expired"
    return "active" if token.alive(now) else "withdrawn"


def _scopes(viewer: Viewer, user: Any, picked: list[str]) -> list[Scope]:
    found = [
        Scope(one.type, title_of(one.type), grantable(user, one.type, one.facts.kinds), one.type in picked)
        for one in catalogue().values()
        if viewer.registrant or one.facts.readers != "registrant"
    ]
    return sorted(found, key=lambda scope: str(scope.label))


@never_cache
def show_tokens(request: HttpRequest) -> HttpResponse:
    """The tokens of one's own programs, and a form that makes another; its text is shown once."""
    viewer, user = viewer_of(request), request.user
    picked = request.POST.getlist("types")
    context: dict[str, Any] = {
        "scopes": _scopes(viewer, user, picked),
        "lives": LIVES_DAYS,
        "days": request.POST.get("days", str(DEFAULT_DAYS)),
        "name": request.POST.get("name", ""),
        "writes": request.POST.get("writes") == "yes",
    }
    if request.method == "POST":
        context |= _make(request, context, picked)
    lines = []
    for token in _seen(viewer, user).order_by("-made")[:200]:
        types = [title_of(name) for name in token.types.split() if name in catalogue()]
        lines.append(Line(token, _state(token), types, token.user.username, token.user_id == user.pk))
    context |= {"lines": lines, "zone": viewer.zones.get(viewer.site, "UTC")}
    return render(request, "medloom/tokens.html", context, status=422 if context.get("wrong") else 200)


def _make(request: HttpRequest, context: dict[str, Any], picked: list[str]) -> dict[str, Any]:
    """The new token's text, or what is wrong with the form."""
    user: Any = request.user
    name = context["name"].strip()
    known = {scope.type for scope in context["scopes"]}
    if not name:
        return {"wrong": _("Say which program it is for.")}
    if context["days"] not in {str(days) for days in LIVES_DAYS} or not set(picked) <= known:
        return {"wrong": _("Choose one of the lifetimes and types offered.")}
    if not picked:
        return {"wrong": _("Choose what the program needs to see; a token for everything is rarely right.")}
    if Token.objects.filter(user=user, revoked=None, expires__gt=timezone.now()).count() >= TOKENS_MOST:
        return {"wrong": _("You have as many living tokens as one person may have: revoke one first.")}
    token, text = make_token(
        user,
        name=name,
        writes=context["writes"],
        types=picked,
        days=int(context["days"]),
        secret=secrets.token_bytes(SECRET_BYTES),
        now=timezone.now(),
    )
    return {"made": token, "text": text, "name": "", "scopes": _scopes(viewer_of(request), user, [])}


@require_POST
def revoke(request: HttpRequest, token: Any) -> HttpResponse:
    """End a token at once."""
    found = _seen(viewer_of(request), request.user).filter(id=token).first()
    if found is None:
        raise Http404
    user: Any = request.user
    found.revoke(user, timezone.now())
    messages.success(request, _("Revoked: its next request is refused."))
    return HttpResponseRedirect(reverse("web:tokens"))
