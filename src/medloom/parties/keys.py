"""Keys of agents: which are valid now, and how a first one is enrolled."""

from __future__ import annotations

import datetime as dt

import msgspec
from django.db import transaction

from medloom.kernel.cursor import open_cursor
from medloom.kernel.models import Session
from medloom.parties.people import Enrolment, Key
from medloom.wire.session import SiteSession

_VALID = """
    select public from site_key
    where site = %s and revoked is null and since <= %s and (until is null or until > %s)
    order by since desc"""


def valid(site: str, now: dt.datetime) -> tuple[bytes, ...]:
    """The site's public keys that are valid at `now`, newest first. A revoked key dies at once."""
    with open_cursor() as cursor:  # asked by every request of an agent: the ORM took longer than the database
        rows = cursor.execute(_VALID, (site, now, now))
        return tuple(bytes(row["public"]) for row in rows)


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
