"""What stands above the overview because it concerns every plant: a restored hub, held feeds, no room.

For the registrant's people; a plant's people see their own feeds and alarms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.exchange import recovery
from medloom.interfaces.web import queries
from medloom.interfaces.web.viewer import Viewer
from medloom.kernel.cursor import open_cursor
from medloom.kernel.models import Alarm
from medloom.process import space

#: Records that wait longer than this for their place in the feeds are told.
HELD_S = 5.0


class Banner(NamedTuple):
    """What is so, what to do about it, and where; `lines` say how it stands."""

    code: str
    title: str
    todo: str
    lines: tuple[str, ...] = ()
    link: str = ""


def banners(viewer: Viewer) -> list[Banner]:
    """What there is now, the gravest first."""
    if not viewer.registrant:
        return []
    found = (_scarce(), _recovery(viewer), _held())
    return [banner for banner in found if banner is not None]


def _scarce() -> Banner | None:
    if not space.scarce():
        return None
    free_mib = (space.free_bytes() or 0) // 2**20
    return Banner(
        "space",
        _("The hub's disk is nearly full: nothing is written"),
        _("Make room on the hub's disk. Plants keep everything and send it when there is room again."),
        (_("%(n)s MiB are free.") % {"n": free_mib},),
    )


def _recovery(viewer: Viewer) -> Banner | None:
    with open_cursor() as cursor:
        if not recovery.recovering(cursor):
            return None
        now: Any = recovery.progress(cursor)
    words = {
        recovery.RETURNED: _("has come back"),
        recovery.HANDING_BACK: _("is handing back"),
        recovery.SILENT: _("was not heard yet"),
    }
    lines = [
        f"{viewer.sites.get(each.site, each.site)}: {words[each.state]}"
        + (" · " + _("%(n)s lost lines brought back") % {"n": each.lines} if each.lines else "")
        for each in now.sites
    ]
    missing = sum(last - first + 1 for first, last in now.unseen)
    if missing:
        lines.append(_("%(n)s lost records have not come back from any plant so far") % {"n": missing})
    return Banner(
        "recovery",
        _("This hub was restored from a backup and takes back what it lost"),
        _("Let every plant's agent run; it ends by itself when all have come back. A plant that never will: "
          "medloom recover end."),
        tuple(lines),
    )  # fmt: skip


def _held() -> Banner | None:
    waiting = queries.unsequenced()
    if not waiting["count"] or waiting["seconds"] < HELD_S:
        return None
    alarm = Alarm.objects.filter(code="feeds_held").order_by("-id").first()
    lines = [
        _("%(n)s records wait, the oldest for %(s)s seconds.")
        % {"n": waiting["count"], "s": waiting["seconds"]}
    ]
    if alarm is not None:
        lines.append(alarm.detail)
    return Banner(
        "held",
        _("The feeds stand still"),
        _("Run medloom doctor at the hub: it names the session that holds them up. Nothing is lost."),
        tuple(lines),
        reverse("web:alarms"),
    )
