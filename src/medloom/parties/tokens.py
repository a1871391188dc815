"""API tokens: how a program of a party proves who it speaks for. Framework table, no business fact.

A token is shown once and kept as the SHA-256 of 256 random bits, so the table proves nothing to whoever
reads it (a slow password hash is for what people choose). It acts as the site of the person who made it,
never with more rights than that person has now: without the role, the login or the site it is worth nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import uuid
from collections.abc import Iterable, Sequence

from django.db import models
from django.utils.translation import gettext_lazy as _

from medloom.parties.people import User
from medloom.parties.roles import WRITERS
from medloom.wire.judge import HQ
from medloom.wire.operation import Kind

#: Before every token, so that a program that looks for lost secrets can know one.
PREFIX = "medloom"
SECRET_BYTES = 32
#: The longest life of a token.
DAYS_MOST = 366
#: When it was last used is noted this often, not with every request.
NOTED_EVERY = dt.timedelta(minutes=1)


class Token(models.Model):
    """One token of one program: what it may, until when, and since when it may no more. Never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    site = models.CharField(max_length=16)
    name = models.CharField(_("Program"), max_length=80)
    hash = models.BinaryField(max_length=32)
    writes = models.BooleanField(default=False)
    #: Object types it may see, separated by blanks; empty for all.
    types = models.TextField(blank=True)
    made = models.DateTimeField()
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    used = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "api_token"
        verbose_name = _("API token")
        indexes = [models.Index(fields=["site"], name="api_token_site")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires__gt=models.F("made")), name="ck_api_token_span"
            ),
        ]

    @property
    def actor(self) -> str:
        """The opaque id that its operations carry."""
        return self.id.hex

    def alive(self, now: dt.datetime) -> bool:
        """Whether it opens the door at `now`."""
        user = self.user
        return self.revoked is None and self.made <= now < self.expires and user.is_active and (
            user.site == self.site
        )  # fmt: skip

    def may_see(self, type: str) -> bool:
        """Whether objects of that type are its business."""
        return not self.types or type in self.types.split()

    def may_write(self, type: str, kinds: Iterable[Kind]) -> bool:
        """Whether it may write objects of that type: it was given that, and its maker still might."""
        return self.writes and self.may_see(type) and grantable(self.user, type, kinds)

    def revoke(self, by: User, now: dt.datetime) -> None:
        """End it at once; the first time stands."""
        if self.revoked is None:
            self.revoked, self.revoked_by = now, by
            self.save(update_fields=["revoked", "revoked_by"])


class Asking(models.Model):
    """A request that its program named by an Idempotency-Key: what it held, so that a repeat is known.

    Kept for ever, as the entries are: the ids of its operations follow from the token and the key, and a
    request that was forgotten would write them a second time.
    """

    pk = models.CompositePrimaryKey("token", "key")
    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    key = models.CharField(max_length=128)
    digest = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        db_table = "api_request"


class Rate(models.Model):
    """How many requests a token may still make, for all web processes of the hub.

    Its table is unlogged: it costs no write-ahead log and no wait for the disk, and after a crash everyone
    begins with a full allowance. No foreign key: rows of ended tokens mean nothing.
    """

    token = models.UUIDField(primary_key=True)
    #: Requests left at that moment, and how many were handed out with the last lease.
    rest = models.FloatField()
    at = models.DateTimeField()
    leased = models.FloatField()

    class Meta:
        db_table = "api_rate"


def grantable(user: User, type: str, kinds: Iterable[Kind]) -> bool:
    """Whether a program of this person may write that type.

    What the person may write at a page; what happens (records, results, moves) for an IT engineer; and
    for a plant's IT engineer all that the plant's own agent may write, which they could connect instead.
    The registrant's decisions stay with those whose role decides them.
    """
    if user.has_role(*WRITERS.get(type, ())):
        return True
    return user.has_role("it") and (user.site != HQ or Kind.OBSERVE in kinds)


def make_token(
    user: User,
    *,
    name: str,
    writes: bool,
    types: Sequence[str],
    days: int,
    secret: bytes,
    now: dt.datetime,
) -> tuple[Token, str]:
    """A new token, and the text that is shown once. `secret` is 32 random bytes.

    Raises ValueError for another length, an empty name, or a life outside 1 to DAYS_MOST days.
    """
    if len(secret) != SECRET_BYTES or not name.strip() or not 1 <= days <= DAYS_MOST:
        raise ValueError(f"a name, {SECRET_BYTES} random bytes and 1 to {DAYS_MOST} days are needed")
    token = Token.objects.create(
        user=user,
        site=user.site,
        name=name.strip()[:80],
        hash=hashlib.sha256(secret).digest(),
        writes=writes,
        types=" ".join(sorted(set(types))),
        made=now,
        expires=now + dt.timedelta(days=days),
    )
    return token, f"{PREFIX}_{token.id.hex}_{base64.urlsafe_b64encode(secret).decode().rstrip('=')}"


def find_token(text: str, now: dt.datetime) -> Token | None:
    """The living token that this text proves, or None; notes that it was used."""
    prefix, _, rest = text.partition("_")
    name, _, secret = rest.partition("_")
    try:
        if prefix != PREFIX or len(name) != 32 or len(secret) > 64:
            return None
        found = base64.b64decode(secret + "=" * (-len(secret) % 4), altchars=b"-_", validate=True)
        token = Token.objects.select_related("user").filter(id=uuid.UUID(name)).first()
    except ValueError:
        return None
    if token is None or not hmac.compare_digest(hashlib.sha256(found).digest(), bytes(token.hash)):
        return None
    if not token.alive(now):
        return None
    if token.used is None or now - token.used >= NOTED_EVERY:
        Token.objects.filter(id=token.id).update(used=now)
    return token
