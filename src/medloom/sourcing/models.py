"""Vendors of a site, what it may buy of them, purchase orders with their lines, and consignees."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from medloom.design.models import Item
from medloom.kernel.entity import MASTER, OBSERVATION, Entity, Facts
from medloom.kernel.fields import Choice, Code, Count, Day, Flag, Number, Ref, Text
from medloom.wire.sheet import Owner

#: Units things are bought in, by their UCUM codes; those in braces count packages and convert to nothing.
PURCHASE_UNITS = [
    ("1", _("pieces")),
    ("{dozen}", _("dozens")),
    ("{can}", _("cans")),
    ("{case}", _("cases")),
    ("{container}", _("containers")),
    ("{carton}", _("cartons")),
    ("{pack}", _("packs")),
    ("kg", "kg"),
    ("g", "g"),
    ("[lb_av]", "lb"),
    ("[oz_av]", "oz"),
    ("m", "m"),
    ("cm", "cm"),
    ("mm", "mm"),
    ("[in_i]", "in"),
    ("L", "L"),
    ("mL", "mL"),
    ("[gal_us]", "gal"),
]


class Vendor(Entity):
    """A firm that a site buys from, under the number it has in the site's own system.

    A party without login: it sees nothing, and only the site and the registrant see what is written of it.
    """

    facts = Facts(
        type="vendor", key=("number",), kinds=MASTER | OBSERVATION, steward="purchasing", place=True
    )
    number = Code(_("Vendor number"), max_length=64)
    name = Text(_("Vendor name"), max_length=200, null=True, blank=True)
    account = Code(_("Account number"), max_length=64, null=True, blank=True)
    standing = Choice(
        _("Standing"),
        choices=[
            ("active", pgettext_lazy("vendor", "Active")),
            ("inactive", pgettext_lazy("vendor", "Inactive")),
        ],
        null=True,
        blank=True,
    )
    preferred = Flag(_("Preferred"), null=True, blank=True)
    #: As the site's system grades it; 1 is the best.
    rating = Count(_("Rating (1 is best)"), low=1, high=9, null=True, blank=True)

    class Meta:
        db_table = "vendor"
        verbose_name = _("Vendor")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_vendor_key")]


class Supply(Entity):
    """What a site buys of one vendor: item, unit, how long it takes, and how much at a time."""

    facts = Facts(type="supply", key=("item", "vendor"), kinds=MASTER | OBSERVATION, steward="purchasing")
    item = Ref(Item, verbose_name=_("Item"))
    vendor = Ref(Vendor, verbose_name=_("Vendor"))
    unit = Choice(_("Unit"), choices=PURCHASE_UNITS, default="1")
    lead_d = Count(_("Lead time (days)"), high=3_650, null=True, blank=True)
    order_min = Count(_("Smallest order"), null=True, blank=True)
    order_max = Count(_("Largest order"), null=True, blank=True)
    on_order = Count(_("On order"), null=True, blank=True)
    last_receipt = Day(_("Last receipt"), null=True, blank=True)

    class Meta:
        db_table = "supply"
        verbose_name = _("Source of supply")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_supply_key")]


class PurchaseOrder(Entity):
    """One order of a site to one vendor; what is ordered stands in its lines, objects of their own.

    Prices stay in the site's system: the network needs none to trace and plan.
    """

    facts = Facts(
        type="purchase_order",
        key=("number",),
        kinds=MASTER | OBSERVATION,
        steward="purchasing",
        fresh="PT1H",
        place=True,
    )
    number = Code(_("Purchase order number"), max_length=64)
    vendor = Ref(Vendor, verbose_name=_("Vendor"), null=True, blank=True)
    standing = Choice(
        _("Standing"),
        choices=[
            ("pending", pgettext_lazy("purchase", "Pending")),
            ("approved", pgettext_lazy("purchase", "Approved")),
            ("rejected", pgettext_lazy("purchase", "Rejected")),
            ("complete", pgettext_lazy("purchase", "Complete")),
        ],
        null=True,
        blank=True,
    )
    ordered = Day(_("Ordered on"), null=True, blank=True)
    shipped = Day(_("Shipped by the vendor on"), null=True, blank=True)
    revision = Code(_("Revision"), max_length=16, null=True, blank=True)

    class Meta:
        db_table = "purchase_order"
        verbose_name = _("Purchase order")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_purchase_order_key")]


class PurchaseLine(Entity):
    """One item of a purchase order: ordered, received, and of that rejected and put into stock."""

    facts = Facts(
        type="purchase_line",
        key=("number",),
        kinds=MASTER | OBSERVATION,
        steward="purchasing",
        fresh="PT1H",
        place=True,
    )
    number = Code(_("Line number"), max_length=96)
    order = Ref(PurchaseOrder, verbose_name=_("Purchase order"), null=True, blank=True)
    item = Ref(Item, verbose_name=_("Item"), null=True, blank=True)
    quantity = Number(_("Ordered quantity"), places=3, null=True, blank=True)
    received = Number(_("Received quantity"), places=3, null=True, blank=True)
    rejected = Number(_("Rejected quantity"), places=3, null=True, blank=True)
    stocked = Number(_("Stocked quantity"), places=3, null=True, blank=True)
    unit = Choice(_("Unit"), choices=PURCHASE_UNITS, default="1", group="measured")
    due = Day(_("Due day"), null=True, blank=True)

    class Meta:
        db_table = "purchase_line"
        verbose_name = _("Purchase line")
        constraints = [
            models.UniqueConstraint(fields=["site", "key"], name="uniq_purchase_line_key"),
            # A wrong sum is a finding; a negative quantity would be a return, which is a move.
            models.CheckConstraint(
                condition=(Q(quantity__isnull=True) | Q(quantity__gte=0))
                & (Q(received__isnull=True) | Q(received__gte=0)),
                name="ck_purchase_line_counts",
            ),
        ]


class Consignee(Entity):
    """To whom devices were shipped, by a code and a region: enough to plan a recall, no name and no address.

    The registrant's alone: a contract manufacturer ships to a code and sees no other customer.
    """

    facts = Facts(
        type="consignee",
        key=("code",),
        owner=Owner.REGISTRANT,
        readers="registrant",
        network=True,
        steward="sales",
        place=True,
    )
    code = Code(_("Consignee code"), max_length=32)
    region = Text(_("Region"), max_length=64, null=True, blank=True)
    remark = Text(_("Remark"), max_length=200, null=True, blank=True)

    class Meta:
        db_table = "consignee"
        verbose_name = _("Consignee")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_consignee_key")]
