"""What is known of the data itself: alerts and corrections, tallies of each feed, files sent by hand."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from medloom.kernel.entity import Entity, Facts
from medloom.kernel.fields import Choice, Code, Count, Instant, Text
from medloom.wire.sheet import Lifecycle, Owner, Step

ALERT = Lifecycle(
    "raised",
    (
        Step("acknowledge", ("raised",), "acknowledged", Owner.SHARED),
        Step("close", ("raised", "acknowledged"), "closed", Owner.REGISTRANT),
    ),
)


class Alert(Entity):
    """Something about a site's data that a person must look at: raised by the hub, closed when it is over.

    The hub closes one whose cause is gone; a person acknowledges it meanwhile, with name and reason.
    """

    facts = Facts(
        type="alert",
        key=("number",),
        owner=Owner.REGISTRANT,
        lifecycle=ALERT,
        fresh="PT1H",
        retention="3 years",
    )
    number = Code(_("Alert number"), max_length=120)
    kind = Choice(
        _("Kind of alert"),
        choices=[
            ("late", _("Late feed")),
            ("drift", _("Drift of a feed's format")),
            ("rule", _("Data rule broken")),
            ("refused", _("Many rows refused")),
            ("conflicts", _("Conflicts unanswered")),
        ],
    )
    state = Choice(
        _("State"),
        choices=[
            ("raised", pgettext_lazy("state", "Raised")),
            ("acknowledged", _("Acknowledged")),
            ("closed", _("Closed")),
        ],
        default="raised",
    )
    feed = Code(_("Feed"), max_length=64, null=True, blank=True)
    rule = Code(_("Rule"), max_length=64, null=True, blank=True)
    detail = Text(_("What was found"), max_length=500)
    count = Count(_("Rows"), null=True, blank=True)
    since = Instant(_("Since"), null=True, blank=True)

    class Meta:
        db_table = "alert"
        verbose_name = _("Data alert")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_alert_key")]


CORRECTION = Lifecycle(
    "proposed",
    (
        Step("accept", ("proposed", "undone"), "accepted", Owner.REGISTRANT),
        Step("dismiss", ("proposed",), "dismissed", Owner.REGISTRANT),
        Step("undo", ("accepted", "dismissed"), "undone", Owner.REGISTRANT),
    ),
)


class Correction(Entity):
    """A correction that the data itself suggests. A person decides; accepting applies it as an operation.

    normalisation  the same original was read as the same lot again and again: it becomes its second number
    unit_slip      a result is off by a factor of 10, 25.4 or 1,000 from all others of its characteristic
    """

    facts = Facts(
        type="correction",
        key=("number",),
        owner=Owner.REGISTRANT,
        lifecycle=CORRECTION,
        retention="3 years",
    )
    number = Code(_("Correction number"), max_length=160)
    kind = Choice(
        _("Kind of correction"),
        choices=[
            ("normalisation", _("A spelling that keeps coming")),
            ("unit_slip", _("Wrong unit, by a factor")),
        ],
    )
    state = Choice(
        _("State"),
        choices=[
            ("proposed", _("Proposed")),
            ("accepted", _("Accepted correction")),
            ("dismissed", _("Dismissed correction")),
            ("undone", _("Undone")),
        ],
        default="proposed",
    )
    feed = Code(_("Feed"), max_length=64, null=True, blank=True)
    subject = Code(_("Object"), max_length=160)
    field = Code(_("Field"), max_length=64)
    came = Text(_("As it came"), max_length=200)
    meant = Text(_("As it is probably meant"), max_length=200)
    factor = Code(_("Factor"), max_length=16, null=True, blank=True)
    times = Count(_("Seen so often"), null=True, blank=True)

    class Meta:
        db_table = "correction"
        verbose_name = _("Proposed correction")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_correction_key")]


class FeedDay(models.Model):
    """What one feed of one site brought on one day, counted once as the ledger grew.

    Derived from entries alone and counted again from nothing when it is lost, hence no business fact and
    no history of its own. `counts` is a `rules.Tally` as JSON.
    """

    pk = models.CompositePrimaryKey("site", "feed", "type", "day")
    site = models.CharField(max_length=16)
    feed = models.CharField(max_length=64)
    type = models.CharField(max_length=32)
    day = models.DateField()
    newest = models.DateTimeField()
    counts = models.JSONField()

    class Meta:
        db_table = "feed_day"


class Measured(models.Model):
    """How far the ledger has been counted into `FeedDay`: one row."""

    id = models.SmallIntegerField(primary_key=True)
    last = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "feed_measured"


class Upload(models.Model):
    """A filled-in template that a person sent: its bytes, and how far it has been recorded.

    `made` holds one line for each row recorded: row, verdict, code, path, object, record number.
    """

    id = models.UUIDField(primary_key=True)
    site = models.CharField(max_length=16)
    actor = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    template = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    data = models.BinaryField()
    rows = models.IntegerField()
    done = models.IntegerField(default=0)
    reason = models.CharField(max_length=500, default="")
    state = models.CharField(max_length=12, default="shown")
    made = models.JSONField(default=list)
    at = models.DateTimeField()

    class Meta:
        db_table = "upload"
        indexes = [models.Index(fields=["site", "-at"], name="upload_site")]
