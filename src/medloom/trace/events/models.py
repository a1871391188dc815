"""Events that a partner's system tells in the words of EPCIS 2.0."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from medloom.kernel.entity import OBSERVATION, Entity, Facts, Part
from medloom.kernel.fields import Choice, Code, Flag, Instant, Ref, Text
from medloom.materials.models import Lot

#: An operation is at most 64 KiB, and the event's text stands in it with its quotes escaped.
RAW_BYTES_MOST = 58_000
ROLES = [
    ("epc", _("Observed")),
    ("child", _("Packed")),
    ("parent", _("Packed into")),
    ("input", _("Went in")),
    ("output", _("Came out")),
]


class TraceEvent(Entity):
    """One EPCIS event, kept as it came; its number is the digest of its meaning, so it is kept once.

    An event is never changed. What was wrong is declared by a second event with the same event id and an
    error declaration, which takes back the genealogy that the first one had proven.
    """

    facts = Facts(type="trace_event", key=("number",), kinds=OBSERVATION, steward="logistics", fresh="PT1H")
    number = Code(_("Digest of the meaning"), max_length=64)
    event_id = Code(_("Event id"), max_length=500)
    kind = Choice(
        _("Type of event"),
        choices=[
            ("ObjectEvent", _("Observation")),
            ("AggregationEvent", _("Packing")),
            ("TransactionEvent", _("Transaction")),
            ("TransformationEvent", _("Transformation")),
            ("AssociationEvent", _("Assembly")),
        ],
    )
    happened = Instant(_("Happened at"))
    recorded = Instant(_("Captured at"))
    action = Choice(
        _("Action"),
        choices=[("ADD", _("Begins")), ("OBSERVE", _("Seen")), ("DELETE", _("Ends"))],
        null=True,
        blank=True,
    )
    biz_step = Code(_("Business step"), max_length=500, null=True, blank=True)
    disposition = Code(_("Condition"), max_length=500, null=True, blank=True)
    read_point = Code(_("Read point"), max_length=500, null=True, blank=True)
    biz_location = Code(_("Business location"), max_length=500, null=True, blank=True)
    transformation = Code(_("Transformation id"), max_length=500, null=True, blank=True)
    error = Flag(_("Declares an error"), default=False)
    #: The event's own text, byte for byte.
    raw = Text(_("Event as it came"), max_length=RAW_BYTES_MOST)
    #: Prefixes that the document around it declared, as JSON.
    prefixes = Text(_("Prefixes declared"), max_length=8_000, null=True, blank=True)
    document = Code(_("Digest of the document"), max_length=64, null=True, blank=True)

    class Meta:
        db_table = "trace_event"
        verbose_name = _("Trace event")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_trace_event_key")]
        indexes = [
            models.Index(fields=["event_id"], name="trace_event_id"),
            models.Index(fields=["happened", "num"], name="trace_event_happened"),
            models.Index(fields=["recorded", "num"], name="trace_event_recorded"),
        ]


class EventLot(Part):
    """A lot of ours that the event is about, found by its identifier when the event came."""

    parent = models.ForeignKey(TraceEvent, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    role = Choice(_("Part it plays"), choices=ROLES)
    lot = Ref(Lot, verbose_name=_("Lot"))
    epc = Code(_("Identifier"), max_length=500)

    class Meta:
        db_table = "trace_event_lot"
        default_related_name = "lots"
        verbose_name = _("Lot of the event")


class EventName(models.Model):
    """One identifier of one event, so that events are found by it: a projection of the event's text."""

    projection = True
    pk = models.CompositePrimaryKey("event", "line")
    event = models.BigIntegerField()
    line = models.IntegerField()
    site = models.CharField(max_length=16)
    role = models.CharField(max_length=8)
    #: A class of things with a quantity, not a single one.
    whole = models.BooleanField()
    epc = models.CharField(max_length=500)
    #: URN and Digital Link of one thing in one form (formats/epcis/reading).
    ident = models.CharField(max_length=500)

    class Meta:
        db_table = "trace_event_name"
        indexes = [models.Index(fields=["ident", "role"], name="trace_event_name_ident")]


class Capture(models.Model):
    """One EPCIS document as it was handed in, and what became of it. Framework table: what stands of it is
    in the ledger, event by event."""

    id = models.UUIDField(primary_key=True)
    site = models.CharField(max_length=16)
    actor = models.CharField(max_length=64)
    begun = models.DateTimeField()
    finished = models.DateTimeField()
    success = models.BooleanField()
    behaviour = models.CharField(max_length=8)
    events = models.IntegerField()
    kept = models.IntegerField()
    repeated = models.IntegerField()
    #: Faults as JSON.
    errors = models.TextField()
    digest = models.CharField(max_length=64)
    #: The document's bytes, compressed.
    document = models.BinaryField()

    class Meta:
        db_table = "epcis_capture"
        indexes = [models.Index(fields=["site", "-begun"], name="epcis_capture_site")]


class NamedQuery(models.Model):
    """A question of a site's programs kept under a name (EPCIS 2.0.1). Framework table: it says what is
    asked, never what is true."""

    pk = models.CompositePrimaryKey("site", "name")
    site = models.CharField(max_length=16)
    name = models.CharField(max_length=120)
    #: Parameter -> values, as JSON.
    query = models.TextField()
    actor = models.CharField(max_length=64)
    made = models.DateTimeField()

    class Meta:
        db_table = "epcis_query"
