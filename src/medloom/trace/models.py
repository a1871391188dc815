"""Genealogy as the ledger proves it: what a lot was made of, what it went into, which units it is.

The table is a projection: its rows come from accepted entries, in the same transaction, and can be
rebuilt from the ledger. Nobody edits it; a correcting operation voids an edge and writes another.
"""

from __future__ import annotations

from django.db import models

from medloom.trace.events.models import Capture, EventLot, EventName, TraceEvent

__all__ = ["Capture", "EventLot", "EventName", "TraceEdge", "TraceEvent"]


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

    #: Belongs to the business schema, with the fence of a site's own rows (kernel/fence.py).
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
