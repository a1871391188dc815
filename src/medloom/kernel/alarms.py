"""Alarms: what a person must look at. Framework rows, no business fact; raised by the hub and the worker."""

from __future__ import annotations

import datetime as dt

from medloom.kernel.models import Alarm


def see(numbers: list[int], *, who: str, at: dt.datetime, site: str = "") -> int:
    """Note that a person has looked at these alarms; returns how many were open. `site` limits to its own."""
    rows = Alarm.objects.filter(id__in=numbers, seen_at__isnull=True)
    if site:
        rows = rows.filter(site=site)
    return rows.update(seen_by=who, seen_at=at)
