"""Genealogy as the ledger proves it: what a lot was made of, what it went into, which units it is.

The table is a projection: its rows come from accepted entries, in the same transaction, and can be
rebuilt from the ledger. Nobody edits it; a correcting operation voids an edge and writes another.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from medloom.kernel.entity import Entity, Facts
from medloom.kernel.fields import Choice, Code, Count, Text
from medloom.trace.events.models import Capture, EventLot, EventName, TraceEvent
from medloom.wire.sheet import Lifecycle, Owner, Step

__all__ = [
    "Capture",
    "EventLot",
    "EventName",
    "Looked",
    "Scope",
    "ScopeExport",
    "ScopeHanded",
    "ScopeLine",
    "TraceEdge",
    "TraceEvent",
]


class TraceEdge(models.Model):
    """Lot `parent` went into `child`, by production step `step`, as ledger entry `entry` proves.

    With `units` 0 the child is a lot. Otherwise the edge says that lot `parent` consists of `units`
    serialised devices with the internal numbers `child` to `child + units - 1`: a lot of 500 devices is
    one row and not 500 nodes, which keeps a trace as fast as its count of lots. Units and lots are told
    apart by the edge, so their numbers may coincide.

    Lots are named by their internal numbers, which follow the order of creation: random keys made the
    walk three times slower. The table has no primary key and no foreign keys in the database. An edge has
    exactly one proving entry, and an entry is written once, so a key would only repeat what the ledger
    already guarantees, at the price of one more index on the busiest table.

    `quantity` is what this step took out of the parent, in the parent's own unit; NULL when the plant
    did not say. `voided_by` is the entry that took the edge back; the walk does not follow such edges.
    """

    #: Belongs to the business schema, with the fence of a site's own rows (process/fence.py).
    projection = True

    pk = models.CompositePrimaryKey("child", "parent", "entry")
    parent = models.BigIntegerField()
    child = models.BigIntegerField()
    units = models.IntegerField(default=0)
    step = models.BigIntegerField()
    entry = models.BigIntegerField()
    voided_by = models.BigIntegerField(null=True)
    site = models.CharField(max_length=16)
    quantity = models.DecimalField(max_digits=21, decimal_places=6, null=True)

    class Meta:
        managed = False
        db_table = "trace_edge"


SCOPE = Lifecycle("draft", (Step("freeze", ("draft",), "frozen", Owner.REGISTRANT),))


class Scope(Entity):
    """What a recall, a complaint or a notice concerns: the question, and when frozen, its answer's digest.

    A frozen scope is never changed. What came in since is shown beside it; a new scope `supersedes` it.
    """

    facts = Facts(
        type="scope",
        key=("number",),
        owner=Owner.REGISTRANT,
        network=True,
        readers="registrant",
        lifecycle=SCOPE,
        fresh="PT1M",
        retention="device life, at least 10 years after the recall is closed",
    )
    number = Code(_("Scope number"), max_length=64)
    state = Choice(
        _("State"),
        choices=[("draft", pgettext_lazy("scope", "Draft")), ("frozen", _("Frozen"))],
        default="draft",
    )
    title = Text(_("Title"), max_length=200)
    expression = Text(_("What is asked"), max_length=4000)
    supersedes = Code(_("Supersedes"), max_length=64, null=True, blank=True)
    as_of = Count(_("As of record"), high=2**53 - 1, null=True, blank=True)
    lots = Count(_("Lots"), null=True, blank=True)
    devices = Count(_("Devices"), null=True, blank=True)
    #: Lines of who received what; empty in scopes that were frozen before these were kept.
    consignments = Count(_("Consignment lines"), null=True, blank=True)
    digest = Code(_("Digest of its lines"), max_length=64, null=True, blank=True)

    class Meta:
        db_table = "scope"
        verbose_name = _("Recall scope")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_scope_key")]


class Looked(models.Model):
    """How far the log was looked through for what nothing joined (trace/arrivals.py). Framework table."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    last = models.BigIntegerField()

    class Meta:
        db_table = "arrival_looked"


class ScopeLine(models.Model):
    """One lot of a frozen scope: written once, with the entry that froze it.

    `entry` proves the line: the record that named a start, or the step record that made the lot of `via`.
    """

    projection = True
    pk = models.CompositePrimaryKey("scope", "lot")
    scope = models.BigIntegerField()
    lot = models.BigIntegerField()
    site = models.CharField(max_length=16)
    distance = models.IntegerField()
    via = models.BigIntegerField()
    entry = models.BigIntegerField()
    devices = models.IntegerField()
    ranges = models.TextField()
    meant = models.CharField(max_length=12, default="whole")
    unit = models.CharField(max_length=8)
    made = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    stock = models.DecimalField(max_digits=24, decimal_places=6)
    shipped = models.DecimalField(max_digits=24, decimal_places=6)
    scrapped = models.DecimalField(max_digits=24, decimal_places=6)
    consumed = models.DecimalField(max_digits=24, decimal_places=6)
    returned = models.DecimalField(max_digits=24, decimal_places=6)
    unsaid = models.IntegerField()

    class Meta:
        db_table = "scope_line"


class ScopeHanded(models.Model):
    """One line of who received what of a frozen scope, what another plant took in, or what came back.

    Written once, with the entry that froze the scope; `entry` proves the line. `site` is the registrant, so
    that no plant reads whom its goods went to; `plant` is whose record it is.
    """

    projection = True
    pk = models.CompositePrimaryKey("scope", "line")
    scope = models.BigIntegerField()
    line = models.IntegerField()
    site = models.CharField(max_length=16)
    kind = models.CharField(max_length=8)
    plant = models.CharField(max_length=16)
    number = models.CharField(max_length=200)
    record = models.BigIntegerField()
    entry = models.BigIntegerField()
    lot = models.BigIntegerField()
    consignee = models.CharField(max_length=200)
    region = models.CharField(max_length=200)
    unit = models.CharField(max_length=8)
    quantity = models.DecimalField(max_digits=24, decimal_places=6)
    day = models.DateField(null=True)
    first = models.CharField(max_length=64)
    last = models.CharField(max_length=64)
    package = models.CharField(max_length=23)
    sscc = models.CharField(max_length=20)

    class Meta:
        db_table = "scope_handed"


class ScopeExport(models.Model):
    """An export that the worker makes: who asked, for what, how far it is, and the file when it is done.

    `sees` is the view of row-level security with which it was asked, `step` how far it is (of 3).
    """

    id = models.UUIDField(primary_key=True)
    asked = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=64)
    sees = models.CharField(max_length=16)
    language = models.CharField(max_length=16)
    kind = models.CharField(max_length=8)
    question = models.TextField()
    scope = models.UUIDField(null=True)
    state = models.CharField(max_length=8, default="waiting")
    step = models.SmallIntegerField(default=0)
    lots = models.IntegerField(default=0)
    code = models.CharField(max_length=32, default="")
    body = models.BinaryField(null=True)

    class Meta:
        db_table = "scope_export"
