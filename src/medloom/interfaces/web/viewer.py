"""Who looks at a page: the person, the site they write as, and the plants they may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

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
    party: str
    sites: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)

    @property
    def registrant(self) -> bool:
        """Whether they are the registrant's."""
        return self.site == HQ


ROLES = {
    "quality_manager": _("Quality manager"),
    "quality": _("Quality"),
    "planner": _("Planner"),
    "clerk": _("Plant clerk"),
    "plant": _("Plant"),
    "inspector": _("Inspector"),
    "engineer": _("Data engineer"),
    "auditor": _("Auditor, reads only"),
    "steward": _("Data steward"),
    "admin": _("Administrator"),
}


def _sites(code: str) -> tuple[dict[str, str], dict[str, str]]:
    """Names and zones of the sites that row-level security lets this person see."""
    try:
        model: Any = apps.get_model("parties", "Site")
    except LookupError:
        return {}, {}
    names: dict[str, str] = {}
    zones: dict[str, str] = {}
    for site in model.objects.order_by("key"):
        if code in (HQ, site.key):
            names[site.key] = getattr(site, "name", "") or site.key
            zones[site.key] = getattr(site, "zone", "") or "UTC"
    return names, zones


def viewer_of(request: HttpRequest) -> Viewer:
    """The viewer of this request, read once."""
    known = getattr(request, "_viewer", None)
    if known is None:
        known = request._viewer = _read(request)  # type: ignore[attr-defined]
    return known


def _read(request: HttpRequest) -> Viewer:
    user: Any = request.user
    code = getattr(user, "site", "") or HQ
    names, zones = _sites(code)
    role = str(getattr(user, "role", ""))
    return Viewer(
        site=code,
        actor=str(getattr(user, "actor", "") or user.pk or ""),
        person=user.get_full_name() or user.get_username(),
        role=str(ROLES.get(role, role)),
        party=names.get(code, code) if code != HQ else str(_("Registrant, whole network")),
        sites=names,
        zones=zones,
    )


def now() -> dt.datetime:
    """The present moment, for what a page says; never used to decide anything."""
    return dt.datetime.now(dt.UTC)
