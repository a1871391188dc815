"""The tables of the ledger: entries, feed lines, seals, and what the door needs to know beforehand.

Nothing here is ever updated or deleted by the application's role, except the framework tables at
the end (sessions, waiting operations), which hold no business fact.
"""

from __future__ import annotations

from django.db import models


class Build(models.Model):
    """Which code, configuration and schema decided: every entry names one (21 CFR 11.10(a), Annex 11)."""

    id = models.SmallAutoField(primary_key=True)
    app = models.CharField(max_length=40)
    config = models.CharField(max_length=64)
    schema = models.CharField(max_length=64)

    class Meta:
        db_table = "build"
        constraints = [models.UniqueConstraint(fields=["app", "config", "schema"], name="uniq_build")]


class Entry(models.Model):
    """What the hub decided about one operation. Append-only; partitioned by `seq`.

    (epoch, chain, number) is the operation's transport identity; for the hub's own operations the
    epoch is the operation's UUID, chain "h" and number 0. Uniqueness is held by the watermark of the
    chain and the session lock, since a partitioned index cannot (docs/decisions/0001).
    """

    seq = models.BigIntegerField(primary_key=True)
    site = models.CharField(max_length=16)
    epoch = models.UUIDField()
    chain = models.CharField(max_length=1)
    number = models.BigIntegerField()
    type = models.CharField(max_length=32)
    object = models.UUIDField(null=True)
    home = models.CharField(max_length=16)
    verdict = models.CharField(max_length=12)
    version = models.IntegerField()
    sites = models.TextField()
    feed = models.CharField(max_length=1)
    source = models.CharField(max_length=64, null=True)
    cause = models.BigIntegerField(null=True)
    build = models.SmallIntegerField()
    hash = models.BinaryField()
    body = models.TextField()
    encoding = models.CharField(max_length=8, null=True)
    #: Canonical JSON, hashed as it stands: refusal, findings, old and new values of an update.
    decision = models.TextField(null=True)
    received = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "entry"


class SourceSeen(models.Model):
    """(site, feed, source key, content hash) -> first entry: the same row read again makes no new entry."""

    ident = models.UUIDField(primary_key=True)
    seq = models.BigIntegerField()

    class Meta:
        db_table = "source_seen"


class FeedLine(models.Model):
    """One entry as one site sees it, at its gapless position; written by the sequencer only."""

    pk = models.CompositePrimaryKey("site", "feed", "position")
    site = models.CharField(max_length=16)
    feed = models.CharField(max_length=1)
    position = models.BigIntegerField()
    seq = models.BigIntegerField()
    #: Id of the hub epoch in which the position was given.
    hub = models.SmallIntegerField()
    chain = models.BinaryField()

    class Meta:
        db_table = "feed_line"


class Leaf(models.Model):
    """One leaf of the Merkle log: its salt and hash. The salt is what an erasure may take away."""

    index = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField()
    salt = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        db_table = "leaf"


class Subtree(models.Model):
    """A complete subtree of the Merkle log, from KEPT_LEVEL of wire.merkle up: a proof reads few rows."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        db_table = "subtree"


class Seal(models.Model):
    """How far the sequencer has come: everything older than `horizon` is in the log of that size and root."""

    id = models.BigAutoField(primary_key=True)
    horizon = models.BigIntegerField()
    #: Entries up to this number were written on another server: their transactions mean nothing here.
    floor = models.BigIntegerField(default=0)
    last = models.BigIntegerField()
    size = models.BigIntegerField()
    root = models.BinaryField()
    frontier = models.BinaryField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "seal"


class Hub(models.Model):
    """This hub's own epoch: a hub restored from backup starts a new one and says so to every site.

    `since` is the last sequence number known to be common with the epoch before.
    """

    id = models.SmallAutoField(primary_key=True)
    epoch = models.UUIDField()
    since = models.BigIntegerField(default=0)
    recovering = models.BooleanField(default=False)
    started = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "hub"


class Recovery(models.Model):
    """What happened since the hub was restored: begun, which sites are awaited, parts handed back, ended."""

    id = models.BigAutoField(primary_key=True)
    #: Id of the hub epoch that the restore began.
    hub = models.SmallIntegerField()
    event = models.CharField(max_length=12)
    site = models.CharField(max_length=16)
    lines = models.IntegerField(default=0)
    #: Ranges of lost entry numbers that this part handed back, "12-40,44-44".
    seqs = models.TextField()
    by = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "recovery"


class Session(models.Model):
    """The agent session that may push for a site. HELLO takes the row for update, a push shares it."""

    site = models.CharField(max_length=16, primary_key=True)
    #: wire.session.SiteSession as JSON.
    state = models.TextField()
    seen = models.DateTimeField()

    class Meta:
        db_table = "agent_session"


class Reading(models.Model):
    """How far a site has read each of its feeds: the last position handed over to its agent.

    A position that the agent could not store shows again as not read with its next pull. For the
    pages only; where a feed goes on is the agent's to say.
    """

    pk = models.CompositePrimaryKey("site", "feed")
    site = models.CharField(max_length=16)
    feed = models.CharField(max_length=1)
    position = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "reading_position"


class FeedTally(models.Model):
    """How many rows each feed of a site has by their last verdict, and when the newest came.

    Kept by the sequencer (`exchange.counts`): a row that was parked and then admitted, or refused and then
    mended, counts once. A page that counted the entries would cost more with every day of the ledger.
    """

    projection = True
    pk = models.CompositePrimaryKey("site", "source", "verdict")
    site = models.CharField(max_length=16)
    #: The feed's name in the plant's mapping; "" for what people and reactions wrote.
    source = models.CharField(max_length=64)
    #: A verdict, or "closed": refused, and then dismissed or read again as recorded.
    verdict = models.CharField(max_length=12)
    #: Rows, each once.
    entries = models.BigIntegerField()
    #: How many of them were accepted with findings.
    findings = models.BigIntegerField(default=0)
    newest = models.DateTimeField()

    class Meta:
        db_table = "feed_tally"


class Arrival(models.Model):
    """How many entries of a site the hub received within two minutes from `at`. Kept by the sequencer."""

    projection = True
    pk = models.CompositePrimaryKey("site", "at")
    site = models.CharField(max_length=16)
    at = models.DateTimeField()
    entries = models.BigIntegerField()

    class Meta:
        db_table = "arrival"


class ChainState(models.Model):
    """How far each chain of each epoch has come: next number and head."""

    pk = models.CompositePrimaryKey("site", "epoch", "chain")
    site = models.CharField(max_length=16)
    epoch = models.UUIDField()
    chain = models.CharField(max_length=1)
    next = models.BigIntegerField()
    head = models.BinaryField()

    class Meta:
        db_table = "chain_state"


class Waiting(models.Model):
    """A parked operation and what it waits for; judged again when that arrives."""

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=32)
    site = models.CharField(max_length=16)
    key = models.CharField(max_length=200)
    seq = models.BigIntegerField()
    done = models.BooleanField(default=False)

    class Meta:
        db_table = "waiting"
        indexes = [
            models.Index(fields=["type", "site", "key"], condition=models.Q(done=False), name="waiting_open"),
        ]


class LostVersion(models.Model):
    """A version that a restored hub had lost, and the one it got when a site handed its line back."""

    pk = models.CompositePrimaryKey("hub", "object", "old")
    hub = models.CharField(max_length=8)
    object = models.UUIDField()
    old = models.IntegerField()
    new = models.IntegerField()

    class Meta:
        db_table = "lost_version"


class Alarm(models.Model):
    """Something a person must look at: a clone, a reused number, a hub rolled back, a skewed clock."""

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=32)
    site = models.CharField(max_length=16)
    detail = models.CharField(max_length=500)
    raised = models.DateTimeField(auto_now_add=True)
    seen_by = models.CharField(max_length=64, null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alarm"
