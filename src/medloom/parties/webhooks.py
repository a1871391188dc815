"""Subscriptions to the event stream: where to, how far, and what became of deliveries. Framework tables.

No event is copied here: a subscription is a position in a feed of the ledger, so a receiver that is away for
a week costs nothing but its place. Attempts are kept up to ATTEMPTS_MOST for each subscription.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from medloom.parties.people import User

#: Attempts kept of one subscription: the newest ones, and the newest dead letters.
ATTEMPTS_MOST, DEAD_MOST = 100, 500
#: The former signing key signs beside the new one for this long, unless a person says otherwise.
OVERLAP = dt.timedelta(days=7)
OVERLAPS_DAYS = (1, 7, 30)
SUBSCRIPTIONS_MOST = 50


class Subscription(models.Model):
    """One receiver: events of a feed behind `position`, of some types or all, in order, at least once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    site = models.CharField(_("Site"), max_length=16)
    name = models.CharField(_("Name"), max_length=80)
    url = models.CharField(_("Address"), max_length=500)
    feed = models.CharField(_("Feed"), max_length=3)
    #: Object types, separated by blanks; empty for all.
    types = models.TextField(blank=True)
    position = models.BigIntegerField(_("Position"), default=0)
    #: The hub epoch in which the position was given.
    hub = models.CharField(max_length=32, blank=True)
    state = models.CharField(
        _("State"),
        max_length=8,
        choices=[("active", _("Active")), ("paused", _("Paused")), ("ended", _("Ended"))],
        default="active",
    )
    tries = models.IntegerField(default=0)
    #: One event at a time, until the one that is refused has been passed.
    narrow = models.BooleanField(default=False)
    next_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)
    made = models.DateTimeField()

    class Meta:
        db_table = "webhook_subscription"
        verbose_name = _("Subscription")
        indexes = [models.Index(fields=["state", "next_at"], name="webhook_due")]

    def may_see(self, type_: str) -> bool:
        """Whether events of that type are wanted."""
        return not self.types or type_ in self.types.split()


class Attempt(models.Model):
    """One delivery that was tried: which positions, what was sent, what came back. A dead one was given up.

    The events themselves are not copied: `digest` (SHA-256) proves that what the ledger gives again for
    these positions of this hub epoch is what was sent.
    """

    id = models.BigAutoField(primary_key=True)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="attempts")
    kind = models.CharField(
        max_length=8,
        choices=[("delivery", _("Delivery")), ("test", _("Test")), ("again", _("Sent again by hand"))],
        default="delivery",
    )
    #: The `webhook-id` it bore; the same for every attempt at the same events.
    named = models.CharField(max_length=100, blank=True)
    hub = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField()
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    events = models.IntegerField(default=0)
    size_bytes = models.IntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    #: Headers as sent; headers and the beginning of the body as answered.
    asked = models.TextField(blank=True)
    answered = models.TextField(blank=True)
    #: When a person sent a given-up one again and the receiver took it.
    mended_at = models.DateTimeField(null=True)
    status = models.IntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)
    took_ms = models.IntegerField()
    dead = models.BooleanField(default=False)

    class Meta:
        db_table = "webhook_attempt"
        indexes = [models.Index(fields=["subscription", "dead", "-id"], name="webhook_attempt_newest")]


class SigningKey(models.Model):
    """A signing key by its number; the key itself follows from the hub's secret (wire/webhook.py)."""

    number = models.AutoField(primary_key=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhook_key"


def key_numbers(now: dt.datetime) -> list[int]:
    """The keys that sign now, newest first; the first one is made when there is none."""
    rows = SigningKey.objects.filter(models.Q(until__isnull=True) | models.Q(until__gt=now)).order_by(
        "-number"
    )
    found = list(rows.values_list("number", flat=True))
    return found or [SigningKey.objects.create(since=now).number]


def renew_key(now: dt.datetime, overlap: dt.timedelta = OVERLAP) -> int:
    """A new signing key; those before sign beside it for `overlap`."""
    SigningKey.objects.filter(until__isnull=True).update(until=now + overlap)
    return int(SigningKey.objects.create(since=now).number)


def take_back_key(now: dt.datetime) -> bool:
    """The other key is in force again and the present one ends after OVERLAP; False when no overlap runs.

    Both sign meanwhile, so a receiver that knows either of them misses nothing.
    """
    present = SigningKey.objects.filter(until__isnull=True).order_by("-number").first()
    other = SigningKey.objects.filter(until__gt=now).order_by("-number").first()
    if present is None or other is None:
        return False
    SigningKey.objects.filter(number=present.number).update(until=now + OVERLAP)
    SigningKey.objects.filter(number=other.number).update(until=None)
    return True


def end_overlap(now: dt.datetime) -> int:
    """Only the key in force signs from now on; how many others ended."""
    return int(SigningKey.objects.filter(until__gt=now).update(until=now))


def subscribe(
    user: User, *, name: str, url: str, feed: str, types: str, position: int, hub: str, now: dt.datetime
) -> Subscription:
    """A new subscription; its address was checked. Raises ValueError for too many or an empty name."""
    if (
        not name.strip()
        or Subscription.objects.filter(site=user.site).exclude(state="ended").count() >= SUBSCRIPTIONS_MOST
    ):
        raise ValueError(f"a name, and at most {SUBSCRIPTIONS_MOST} subscriptions")
    return Subscription.objects.create(
        user=user, site=user.site, name=name.strip()[:80], url=url, feed=feed, types=types,
        position=position, hub=hub, next_at=now, made=now,
    )  # fmt: skip


def turn(subscription: Subscription, state: str, now: dt.datetime) -> None:
    """Pause it, go on, or end it for good."""
    subscription.state, subscription.next_at, subscription.tries = state, now, 0
    subscription.save(update_fields=["state", "next_at", "tries"])


def go_back(subscription: Subscription, position: int, hub: str, now: dt.datetime) -> None:
    """Deliver again from behind that position."""
    subscription.position, subscription.hub = position, hub
    subscription.tries, subscription.narrow, subscription.next_at = 0, False, now
    subscription.save(update_fields=["position", "hub", "tries", "narrow", "next_at"])


def note(subscription: Subscription, **told: Any) -> Attempt:
    """Keep one attempt (fields of Attempt); the oldest beyond the limit go."""
    told["error"] = told.get("error", "")[:200]
    made = Attempt.objects.create(subscription=subscription, **told)
    mine = Attempt.objects.filter(subscription=subscription, dead=made.dead).order_by("-id")
    most = DEAD_MOST if made.dead else ATTEMPTS_MOST
    if oldest := mine.values_list("id", flat=True)[most : most + 1]:
        mine.filter(id__lte=oldest[0]).delete()
    return made


def mend(subscription: Subscription, named: str, at: dt.datetime) -> None:
    """What was given up under that id has been taken after all."""
    Attempt.objects.filter(subscription=subscription, named=named, dead=True).update(mended_at=at)


def keep(subscription: Subscription, *names: str) -> None:
    """Write what the courier changed of it."""
    subscription.save(update_fields=list(names))
