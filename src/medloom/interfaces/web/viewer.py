"""Who looks at a page: the person, the site they write as, and the plants they may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from medloom.parties.models import Person, Role, Site

#: The registrant's own site.
HQ = "HQ"


@dataclass(frozen=True)
class Viewer:
    """The person in front, as the pages need them.

    site   the site they see and write as; HQ sees the whole network
    actor  their opaque id, as it stands in operations
    sites  the sites they may see: code -> name
    zones  the IANA zone of each of them
    """

    site: str
    actor: str
    person: str
    role: str
    roles: frozenset[str]
    party: str
    sites: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)

    def may(self, *roles: str) -> bool:
        """Whether they hold one of these roles; an administrator of the pages holds no business role."""
        return not self.roles.isdisjoint(roles)

    @property
    def registrant(self) -> bool:
        """Whether they are the registrant's."""
        return self.site == HQ


def in_language(name: str, language: str) -> str:
    """The half of a name written in two languages (``中文 · English``) that this reader reads.

    A name that is not so written is returned whole. The whole name stands on the plant's own page.
    """
    halves = name.split(" · ")
    chinese = [any("\u4e00" <= letter <= "\u9fff" for letter in half) for half in halves]
    if len(halves) != 2 or chinese[0] == chinese[1]:
        return name
    return halves[chinese.index(language.startswith("zh"))].strip()


def _sites(code: str) -> tuple[dict[str, str], dict[str, str]]:
    """Names and zones of the sites that row-level security lets this person see."""
    names: dict[str, str] = {}
    zones: dict[str, str] = {}
    for site in Site.objects.order_by("key"):
        if code in (HQ, site.key):
            names[site.key] = in_language(site.name or site.key, get_language() or "")
            zones[site.key] = site.zone or "UTC"
    return names, zones


def viewer_of(request: HttpRequest) -> Viewer:
    """The viewer of this request, read once."""
    known = getattr(request, "_viewer", None)
    if known is None:
        known = request._viewer = viewer_for(request.user)  # type: ignore[attr-defined]
    return known


def viewer_for(user: Any) -> Viewer:
    """The viewer that a person is, also where no request is: in a job that they asked for."""
    code = user.site
    names, zones = _sites(code)
    words = dict(Role._meta.get_field("role").choices)
    roles = frozenset(user.roles.values_list("role", flat=True))
    known = Person.objects.filter(opaque=user.actor).values_list("name", flat=True).first()
    return Viewer(
        site=code,
        actor=user.actor,
        person=known or user.username,
        role=", ".join(str(words[r]) for r in Role.WORDS if r in roles),
        roles=roles,
        party=names.get(code, code) if code != HQ else str(_("Registrant, whole network")),
        sites=names,
        zones=zones,
    )


def now() -> dt.datetime:
    """The present moment, for what a page says; never used to decide anything."""
    return dt.datetime.now(dt.UTC)
