"""Keys of agents: which are valid now, and how a first one is enrolled."""

from __future__ import annotations

import datetime as dt

import msgspec
from django.db import transaction
from django.db.models import Q

from medloom.kernel.models import Session
from medloom.parties.people import Enrolment, Key
from medloom.wire.session import SiteSession


def valid(site: str, now: dt.datetime) -> tuple[bytes, ...]:
    """The site's public keys that are valid at `now`, newest first. A revoked key dies at once."""
    found = (
        Key.objects.filter(site=site, revoked__isnull=True, since__lte=now)
        .filter(Q(until__isnull=True) | Q(until__gt=now))
        .order_by("-since")
    )
    return tuple(bytes(key.public) for key in found)


def open_enrolment(site: str, code: bytes, *, expires: dt.datetime) -> None:
    """Let an agent of `site` bring its first key with a one-time code, given as its SHA-256."""
    Enrolment.objects.create(code=code, site=site, expires=expires)


def enrol(site: str, code: bytes, public: bytes, now: dt.datetime) -> bool:
    """Use a one-time code (its SHA-256) to add a site's key and open its session row. False: refused.

    The same agent may use its code again with the same key, since its first answer may have been lost.
    """
    with transaction.atomic():
        row = Enrolment.objects.select_for_update().filter(code=code, site=site).first()
        if row is None:
            return False
        if row.used is not None:
            return Key.objects.filter(site=site, public=public, revoked__isnull=True).exists()
        if row.expires <= now:
            return False
        row.used = now
        row.save(update_fields=["used"])
        Key.objects.create(site=site, public=public, since=now)
        state = msgspec.json.encode(SiteSession(site)).decode()
        Session.objects.get_or_create(site=site, defaults={"state": state, "seen": now})
    return True
