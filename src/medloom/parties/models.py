"""Parties, sites and connections, which are business objects."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from medloom.kernel.entity import Entity, Facts
from medloom.kernel.fields import Choice, Code, Ref, Text
from medloom.parties.bus import Published
from medloom.parties.people import Enrolment, Key, Person, Role, User
from medloom.parties.tokens import Asking, Token
from medloom.parties.webhooks import Attempt, SigningKey, Subscription
from medloom.wire.sheet import Lifecycle, Owner, Step

__all__ = [
    "Actor",
    "Asking",
    "Attempt",
    "Connection",
    "Enrolment",
    "Key",
    "Party",
    "Person",
    "Published",
    "Role",
    "SigningKey",
    "Site",
    "Subscription",
    "Token",
    "User",
]


class Party(Entity):
    """A company in the network: the registrant, a contract manufacturer, or a supplier without login."""

    facts = Facts(
        type="party",
        key=("number",),
        owner=Owner.REGISTRANT,
        network=True,
        readers="registrant",
        steward="supplier quality",
        retention="life of the relation and 10 years",
    )
    number = Code(_("Party number"), max_length=32)
    name = Text(_("Name"), max_length=200)
    kind = Choice(
        _("Kind of party"),
        choices=[
            ("registrant", _("Registrant")),
            ("cmo", _("Contract manufacturer")),
            ("supplier", _("Supplier")),
        ],
    )

    class Meta:
        db_table = "party"
        verbose_name = _("Party")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_party_key")]


class Site(Entity):
    """A place of a party that reads and writes as itself; its code is the author of its operations."""

    facts = Facts(
        type="site",
        key=("code",),
        owner=Owner.REGISTRANT,
        steward="supplier quality",
        retention="life of the relation and 10 years",
    )
    code = Code(_("Site code"), max_length=16)
    name = Text(_("Name"), max_length=200)
    party = Ref(Party, verbose_name=_("Party"), null=True, blank=True)
    zone = Code(_("Time zone"), max_length=64, default="UTC")
    region = Code(_("Region"), max_length=32, null=True, blank=True)

    class Meta:
        db_table = "site"
        verbose_name = _("Site")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_site_key")]


class Actor(Entity):
    """A person or program that acts at a site, by its opaque id. The ledger holds a commitment, never a name.

    Name and contact stand in the vault (`Person`) with the commitment's salt. Whoever has the vault's row
    can prove that the id is this person; when the row is erased, nobody can, and the ledger stays whole.
    """

    facts = Facts(type="actor", key=("opaque",), steward="quality")
    opaque = Code(_("Opaque id"), max_length=64)
    commitment = Code(_("Commitment to name and contact"), max_length=64)

    class Meta:
        db_table = "actor"
        verbose_name = _("Actor")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_actor_key")]


CONNECTION = Lifecycle(
    "applied",
    (
        Step("test", ("applied",), "testing", Owner.REGISTRANT),
        Step("go_live", ("testing", "restricted"), "live", Owner.REGISTRANT),
        Step("restrict", ("testing", "live"), "restricted", Owner.REGISTRANT),
        Step("close", ("applied", "testing", "live", "restricted"), "closed", Owner.REGISTRANT),
    ),
)


class Connection(Entity):
    """The port through which a site's system is connected (对接端口): its level, its promised freshness.

    `agent` is the epoch of the agent that a person chose when two ran with one store (docs: agents).
    """

    facts = Facts(
        type="connection",
        key=("number",),
        owner=Owner.REGISTRANT,
        steward="information technology",
        retention="life of the relation and 10 years",
        lifecycle=CONNECTION,
    )
    number = Code(_("Connection number"), max_length=32)
    state = Choice(
        _("State"),
        choices=[
            ("applied", _("Applied")),
            ("testing", _("Testing")),
            ("live", _("Live")),
            ("restricted", _("Restricted")),
            ("closed", _("Closed")),
        ],
        default="applied",
    )
    level = Choice(
        _("Port level"),
        choices=[("file", _("File")), ("database", _("Database")), ("interface", _("Interface"))],
    )
    system = Text(_("Connected system"), max_length=120, null=True, blank=True)
    promise = Code(_("Freshness promise"), max_length=16, default="P1D")
    agent = Code(_("Agent that goes on"), max_length=32, null=True, blank=True)
    contact = Code(_("Contact (opaque)"), max_length=64, owner=Owner.SHARED, null=True, blank=True)

    class Meta:
        db_table = "connection"
        verbose_name = _("Connection")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_connection_key")]
