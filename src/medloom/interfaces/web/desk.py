"""What waits for a person: refused rows, conflicts, holds; and what may be proposed for each."""

from __future__ import annotations

from medloom.interfaces.web import queries
from medloom.interfaces.web.viewer import Viewer
from medloom.kernel.entity import catalogue
from medloom.kernel.models import Alarm


def open_counts(viewer: Viewer) -> dict[str, int]:
    """Counts of the sidebar, by page name."""
    counts = queries.waiting_counts()
    hold = catalogue().get("hold")
    if hold is not None:
        counts["list:hold"] = hold.model._default_manager.filter(state="open", voided=False).count()
    alarms = Alarm.objects.filter(seen_at__isnull=True)
    counts["alarms"] = (alarms if viewer.registrant else alarms.filter(site=viewer.site)).count()
    return counts
