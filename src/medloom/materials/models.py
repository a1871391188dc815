"""Lots, other parties' numbers for them, moves and the stock they make, holds."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from medloom.design.models import Equipment, Item
from medloom.kernel.entity import MASTER, OBSERVATION, Entity, Facts, Part
from medloom.kernel.fields import Choice, Code, Day, Expiry, Flag, Number, Ref, Text
from medloom.sourcing.models import Consignee, PurchaseLine, Vendor
from medloom.wire.sheet import Lifecycle, Owner, Step

#: Units a lot is counted in; "1" is pieces (UCUM).
UNITS = [("1", _("pieces")), ("kg", "kg"), ("g", "g"), ("m", "m"), ("L", "L")]

DISPOSITION = Lifecycle(
    "pending",
    (
        Step("accept", ("pending",), "accepted", Owner.SITE),
        Step("release_production", ("pending",), "production_released", Owner.SITE),
        # 上市放行 is the registrant's alone, not configurable otherwise.
        Step("release_market", ("production_released",), "market_released", Owner.REGISTRANT),
        Step("reject", ("pending", "accepted", "production_released"), "rejected", Owner.SHARED),
    ),
)


class Lot(Entity):
    """A quantity of one item made or received under one lot number.

    Quantity and whereabouts are stock and moves, blocking is a hold; the state is the disposition only.
    """

    facts = Facts(
        type="lot",
        key=("number",),
        kinds=MASTER | OBSERVATION,
        lifecycle=DISPOSITION,
        place=True,
    )
    number = Code(_("Lot number"), max_length=64)
    item = Ref(Item, verbose_name=_("Item"), null=True, blank=True)
    kind = Choice(
        _("Kind of lot"),
        choices=[
            ("material", _("Material")),
            ("intermediate", _("Intermediate")),
            ("finished", _("Finished goods")),
        ],
        null=True,
        blank=True,
    )
    state = Choice(
        _("Disposition"),
        choices=[
            ("pending", _("Pending")),
            ("accepted", _("Accepted lot")),
            ("production_released", _("Production released")),
            ("market_released", _("Market released")),
            ("rejected", _("Rejected lot")),
        ],
        default="pending",
    )
    made = Day(_("Made on"), null=True, blank=True)
    expires = Expiry(_("Expires on"), null=True, blank=True)
    remark = Text(_("Remark"), max_length=500, owner=Owner.SHARED, null=True, blank=True)

    class Meta:
        db_table = "lot"
        verbose_name = _("Lot")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_lot_key")]
        # Asked of each new entry: did it mention a lot that nobody has told of?
        indexes = [models.Index(fields=["entry"], condition=Q(placeholder=True), name="lot_mentioned_by")]


class Serial(Entity):
    """One unit of a lot under a serial number of its own; what is tracked is a lot or one of its units."""

    facts = Facts(type="serial", key=("lot", "number"), kinds=OBSERVATION)
    lot = Ref(Lot, verbose_name=_("Lot"))
    number = Code(_("Serial number"), max_length=64)
    made = Day(_("Made on"), null=True, blank=True)

    class Meta:
        db_table = "serial"
        verbose_name = _("Serial number")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_serial_key")]


class Alias(Entity):
    """Another number for a lot: a supplier's, or a second spelling that a person found to be the same.

    For a second spelling `partner` is the site itself and `other` the lot that carries it; both lots
    stay, and a trace walks from one to the other.
    """

    facts = Facts(type="alias", key=("partner", "number"), owner=Owner.SHARED)
    partner = Code(_("Partner"), max_length=32)
    number = Code(_("Partner's lot number"), max_length=140)
    lot = Ref(Lot, verbose_name=_("Lot"))
    other = Ref(Lot, verbose_name=_("Other lot"), null=True, blank=True)
    #: A person's no is kept too, or the same proposal would come back every day.
    same = Flag(_("Same lot"), default=True)

    class Meta:
        db_table = "alias"
        verbose_name = _("Lot alias")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_alias_key")]
        # Asked for every reference that no lot of the site has.
        indexes = [models.Index(fields=["site", "number"], name="alias_number")]


class Move(Entity):
    """Something that happened to a quantity of a lot. Stock is the sum of the moves and nothing else."""

    facts = Facts(type="move", key=("number",), kinds=OBSERVATION, steward="warehouse")
    number = Code(_("Move number"), max_length=120)
    lot = Ref(Lot, verbose_name=_("Lot"))
    kind = Choice(
        _("Kind of move"),
        choices=[
            ("received", _("Received")),
            ("produced", _("Produced")),
            ("consumed", _("Consumed")),
            ("shipped", _("Shipped")),
            ("scrapped", _("Scrapped")),
            ("returned", _("Returned")),
            ("transfer", _("Transferred")),
        ],
    )
    quantity = Number(_("Quantity"))
    unit = Choice(_("Unit"), choices=UNITS, group="measured")
    source = Code(_("From location"), max_length=64, null=True, blank=True)
    target = Code(_("To location"), max_length=64, null=True, blank=True)
    status = Choice(
        _("Stock status"),
        choices=[("free", _("Free")), ("quality", _("In inspection")), ("blocked", _("Blocked"))],
        default="free",
    )
    moved = Day(_("Moved on"), null=True, blank=True)
    #: Who sent goods back; a recall's reconciliation takes them from that consignee's quantity.
    consignee = Ref(Consignee, verbose_name=_("Returned by"), null=True, blank=True)
    work_order = Code(_("Work order"), max_length=64, null=True, blank=True)

    class Meta:
        db_table = "move"
        verbose_name = _("Move")
        constraints = [
            models.UniqueConstraint(fields=["site", "key"], name="uniq_move_key"),
            # The direction is told by the kind; a negative quantity would turn it round unseen.
            models.CheckConstraint(condition=Q(quantity__gte=0), name="ck_move_quantity"),
        ]


class Stock(models.Model):
    """How much of a lot stands where: a projection of the moves, written only with them."""

    projection = True
    pk = models.CompositePrimaryKey("lot", "location", "status")
    lot = models.ForeignKey(Lot, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    site = models.CharField(_("Site"), max_length=16)
    location = models.CharField(_("Location"), max_length=64)
    status = models.CharField(_("Stock status"), max_length=16)
    unit = models.CharField(_("Unit"), max_length=8)
    quantity = models.DecimalField(_("Quantity"), max_digits=24, decimal_places=6)
    version = models.IntegerField(_("Version"))

    class Meta:
        db_table = "stock"
        verbose_name = _("Stock")


HOLD = Lifecycle("open", (Step("clear", ("open",), "cleared", Owner.REGISTRANT),))


class Hold(Entity):
    """A block with its cause. Anyone may raise one and it wins any race; only the registrant clears it.

    A lot is blocked while any open hold covers it, or covers an ancestor with `spreads`.
    """

    facts = Facts(
        type="hold",
        key=("number",),
        owner=Owner.SHARED,
        lifecycle=HOLD,
        safety=True,
        fresh="PT1M",
    )
    number = Code(_("Hold number"), max_length=96)
    state = Choice(_("State"), choices=[("open", _("Open")), ("cleared", _("Cleared"))], default="open")
    lot = Ref(Lot, verbose_name=_("Lot"), null=True, blank=True)
    equipment = Ref(Equipment, verbose_name=_("Equipment"), null=True, blank=True)
    cause = Text(_("Cause"), max_length=500)
    spreads = Flag(_("Spreads to what is made of it"), default=True)
    meaning = Choice(
        _("Meaning of the signature"),
        choices=[
            ("authored", _("Authored")),
            ("reviewed", _("Reviewed")),
            ("approved", _("Approved")),
            ("responsible", _("Responsible")),
        ],
        owner=Owner.REGISTRANT,
        null=True,
        blank=True,
    )

    class Meta:
        db_table = "hold"
        verbose_name = _("Hold")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_hold_key")]
        indexes = [
            # Every consumption asks "is it held"; open holds are few whatever the history.
            models.Index(fields=["lot"], condition=Q(state="open"), name="hold_open_lot"),
            # The newest hold, and those behind a number: what the door looks at before each commit.
            models.Index(fields=["entry"], name="hold_entry"),
        ]


class Receipt(Entity):
    """A delivery that a site has taken in: which of its lots it became, and what the sender calls the lot.

    `partner` is the site of the network that sent it. The sender's lot and the site's lot are then one
    genealogy, although neither site sees the other's rows. A firm outside the network is the `vendor`, and
    its number is kept as it was.
    """

    facts = Facts(type="receipt", key=("number",), kinds=OBSERVATION, steward="warehouse", place=True)
    number = Code(_("Receipt number"), max_length=96)
    lot = Ref(Lot, verbose_name=_("Lot received"))
    item = Ref(Item, verbose_name=_("Item"), null=True, blank=True)
    partner = Code(_("Sending plant"), max_length=16, null=True, blank=True)
    vendor = Ref(Vendor, verbose_name=_("Vendor"), null=True, blank=True)
    partner_lot = Code(_("Sender's lot number"), max_length=64, null=True, blank=True)
    quantity = Number(_("Quantity"))
    unit = Choice(_("Unit"), choices=UNITS, group="measured")
    received = Day(_("Received on"), null=True, blank=True)
    purchase_line = Ref(PurchaseLine, verbose_name=_("Purchase line"), null=True, blank=True)
    remark = Text(_("Remark"), max_length=200, null=True, blank=True)

    class Meta:
        db_table = "receipt"
        verbose_name = _("Receipt")
        constraints = [
            models.UniqueConstraint(fields=["site", "key"], name="uniq_receipt_key"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="ck_receipt_quantity"),
        ]
        # Asked for every lot that comes: has another site received it already?
        indexes = [
            models.Index(
                fields=["partner", "partner_lot"],
                condition=Q(partner__isnull=False, voided=False),
                name="receipt_partner_lot",
            )
        ]


class Shipment(Entity):
    """What left a site for a consignee on one day, lot by lot, with serial numbers where units have them."""

    facts = Facts(type="shipment", key=("number",), kinds=OBSERVATION, steward="warehouse", fresh="PT1H")
    number = Code(_("Shipment number"), max_length=96)
    consignee = Ref(Consignee, verbose_name=_("Consignee"), null=True, blank=True)
    shipped = Day(_("Shipped on"), null=True, blank=True)
    remark = Text(_("Remark"), max_length=200, null=True, blank=True)

    class Meta:
        db_table = "shipment"
        verbose_name = _("Shipment")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_shipment_key")]


class ShipmentLine(Part):
    """So many units of one lot in a shipment; serial numbers from `first` to `last` where there are any."""

    parent = models.ForeignKey(Shipment, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    lot = Ref(Lot, verbose_name=_("Lot"))
    first = Code(_("Serial number from"), max_length=64, null=True, blank=True)
    last = Code(_("Serial number to"), max_length=64, null=True, blank=True)
    quantity = Number(_("Quantity"))
    unit = Choice(_("Unit"), choices=UNITS, default="1", group="measured")
    #: Device identifier of the package, and the number of the logistic unit (SSCC) it travelled in.
    package = Code(_("Package identifier"), max_length=23, null=True, blank=True)
    sscc = Code(_("Logistic unit (SSCC)"), max_length=20, null=True, blank=True)

    class Meta:
        db_table = "shipment_line"
        default_related_name = "lines"
        verbose_name = _("Shipment line")
        # A recall asks which shipments hold a lot.
        indexes = [models.Index(fields=["lot"], condition=Q(until__isnull=True), name="shipment_line_lot")]
