"""Items, bills of materials, equipment, process parameters, specifications and documents."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from medloom.design.device import Device, DevicePackage, DeviceStorage
from medloom.kernel.entity import MASTER, OBSERVATION, Entity, Facts, Part
from medloom.kernel.fields import Choice, Code, Count, Day, Number, Quantity, Ref, Text
from medloom.wire.sheet import Lifecycle, Owner, Step

__all__ = [  # the devices are declared in a file of their own
    "Device",
    "DevicePackage",
    "DeviceStorage",
]

#: Documents with revisions: a released one is never changed, it is superseded by the next revision.
REVISION = Lifecycle(
    "draft",
    (
        Step("release", ("draft",), "released", Owner.REGISTRANT),
        Step("supersede", ("released",), "superseded", Owner.REGISTRANT),
        Step("retire", ("draft", "released", "superseded"), "obsolete", Owner.REGISTRANT),
    ),
)
REVISION_STATES = [
    ("draft", _("Draft")),
    ("released", _("Released")),
    ("superseded", _("Superseded")),
    ("obsolete", _("Obsolete")),
]


class Item(Entity):
    """Anything with an item number at a site: a product, a component, a resin, a masterbatch, an additive."""

    facts = Facts(type="item", key=("number",), steward="engineering", place=True)
    number = Code(_("Item number"), max_length=64)
    name = Text(_("Item name"), max_length=200, null=True, blank=True)
    kind = Choice(
        _("Kind of item"),
        choices=[
            ("product", _("Product")),
            ("component", _("Component")),
            ("resin", _("Resin")),
            ("masterbatch", _("Masterbatch")),
            ("additive", _("Additive")),
        ],
        null=True,
        blank=True,
    )
    colour = Text(_("Colour"), max_length=64, null=True, blank=True)
    #: Which device of the registrant's catalogue the site's item is: the registrant's to say.
    device = Ref(Device, verbose_name=_("Device"), owner=Owner.REGISTRANT, null=True, blank=True)

    class Meta:
        db_table = "item"
        verbose_name = _("Item")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_item_key")]


class Bom(Entity):
    """One revision of a bill of materials. `variant` tells permitted compositions of one item apart."""

    facts = Facts(
        type="bom",
        key=("item", "variant", "revision"),
        steward="engineering",
        lifecycle=REVISION,
    )
    item = Ref(Item, verbose_name=_("Item"))
    variant = Code(_("Variant"), max_length=64, default="1")
    revision = Code(_("Revision"), max_length=16, default="1")
    state = Choice(_("State"), choices=REVISION_STATES, default="draft")
    effective_from = Day(_("Effective from"), owner=Owner.REGISTRANT, null=True, blank=True)
    effective_until = Day(_("Effective until"), owner=Owner.REGISTRANT, null=True, blank=True)

    class Meta:
        db_table = "bom"
        verbose_name = _("Bill of materials")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_bom_key")]


class BomLine(Part):
    """One component of a bill of materials: so much of it for so many pieces."""

    parent = models.ForeignKey(Bom, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    item = Ref(Item, verbose_name=_("Component"))
    quantity = Quantity(_("Quantity"), unit="kg", places=6)
    per = Count(_("Per pieces"), low=1, default=10_000)

    class Meta:
        db_table = "bom_line"
        default_related_name = "lines"
        verbose_name = _("BOM line")
        # A division by `per` follows everywhere; nought would be infinite consumption.
        constraints = [models.CheckConstraint(condition=Q(per__gte=1), name="ck_bom_line_per")]


class BomRow(Entity):
    """One row of a site's product structure: so much of a component in an assembly, from a day until a day.

    Where a system keeps no document with revisions but rows that come into force and end one by one, each
    row is an object. A row without an assembly says that the item itself is a top level.
    """

    facts = Facts(type="bom_row", key=("number",), kinds=MASTER | OBSERVATION, steward="engineering")
    number = Code(_("Row number"), max_length=64)
    assembly = Ref(Item, verbose_name=_("Assembly"), null=True, blank=True)
    component = Ref(Item, verbose_name=_("Component"))
    quantity = Number(_("Quantity in one assembly"))
    unit = Code(_("Unit"), max_length=16, default="1", group="measured")
    level = Count(_("Level"), high=99, null=True, blank=True)
    effective_from = Day(_("Effective from"), null=True, blank=True)
    effective_until = Day(_("Effective until"), null=True, blank=True)

    class Meta:
        db_table = "bom_row"
        verbose_name = _("Structure row")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_bom_row_key")]


class PlantCode(Entity):
    """A word of a plant's own code list and what it means: a scrap reason, a location, a shift, a unit."""

    facts = Facts(type="plant_code", key=("list", "code"), kinds=MASTER | OBSERVATION, steward="quality")
    list = Choice(
        _("Code list"),
        choices=[
            ("scrap_reason", _("Scrap reasons")),
            ("location", _("Locations")),
            ("shift", _("Shifts")),
            ("unit", _("Units of measure")),
            ("model", _("Product models")),
        ],
    )
    code = Code(_("Code"), max_length=64)
    name = Text(_("Name"), max_length=200, null=True, blank=True)
    #: What a unit of the plant is in UCUM; empty where it is no unit or has no equal.
    ucum = Code(_("Unit (UCUM)"), max_length=16, null=True, blank=True)

    class Meta:
        db_table = "plant_code"
        verbose_name = _("Plant's code")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_plant_code_key")]


class Equipment(Entity):
    """A machine or a mould. `cavities` and `cycle` are a mould's standard, `tonnage` a machine's force."""

    facts = Facts(type="equipment", key=("number",), steward="engineering", place=True)
    number = Code(_("Equipment number"), max_length=64)
    name = Text(_("Name"), max_length=120, null=True, blank=True)
    kind = Choice(
        _("Kind of equipment"),
        choices=[("machine", _("Machine")), ("mould", _("Mould"))],
        null=True,
        blank=True,
    )
    code = Code(_("Internal code"), max_length=64, null=True, blank=True)
    maker = Text(_("Maker"), max_length=120, null=True, blank=True)
    tonnage = Quantity(_("Clamping force"), unit="t", places=1, null=True, blank=True)
    fits = Text(_("Fits clamping forces"), max_length=64, null=True, blank=True)
    cavities = Count(_("Standard cavities"), low=1, high=512, null=True, blank=True)
    cycle = Quantity(_("Standard cycle"), unit="s", places=2, null=True, blank=True)
    item_weight = Quantity(_("Weight of one shot's items"), unit="g", places=3, null=True, blank=True)
    runner_weight = Quantity(_("Runner weight"), unit="g", places=3, null=True, blank=True)
    in_service_from = Day(_("In service from"), null=True, blank=True)
    in_service_until = Day(_("In service until"), null=True, blank=True)

    class Meta:
        db_table = "equipment"
        verbose_name = _("Equipment")
        constraints = [
            models.UniqueConstraint(fields=["site", "key"], name="uniq_equipment_key"),
            # A mould without a cavity makes nothing: shots x cavities would be nought on every record.
            models.CheckConstraint(
                condition=Q(cavities__isnull=True) | Q(cavities__gte=1), name="ck_equipment_cavities"
            ),
        ]


class Parameter(Entity):
    """One revision of a process parameter, set by the registrant and released to the site that uses it."""

    facts = Facts(
        type="parameter",
        key=("number", "revision"),
        owner=Owner.REGISTRANT,
        steward="engineering",
        lifecycle=REVISION,
        fresh="PT1H",
    )
    number = Code(_("Parameter number"), max_length=64)
    revision = Code(_("Revision"), max_length=16)
    state = Choice(_("State"), choices=REVISION_STATES, default="draft")
    effective_from = Day(_("Effective from"), owner=Owner.REGISTRANT, null=True, blank=True)
    effective_until = Day(_("Effective until"), owner=Owner.REGISTRANT, null=True, blank=True)
    name = Text(_("Name"), max_length=120)
    item = Ref(Item, verbose_name=_("Item"), null=True, blank=True)
    equipment = Ref(Equipment, verbose_name=_("Equipment"), null=True, blank=True)
    unit = Code(_("Unit"), max_length=16, group="measured")
    target = Number(_("Target"), null=True, blank=True)
    low = Number(_("Lower limit"), null=True, blank=True)
    high = Number(_("Upper limit"), null=True, blank=True)
    # A parameter that is a word, not a number (an NC program): every word permitted, parted by " | ".
    words = Text(_("Permitted words"), max_length=500, null=True, blank=True)

    class Meta:
        db_table = "parameter"
        verbose_name = _("Process parameter")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_parameter_key")]


class Specification(Entity):
    """One revision of what is required of a characteristic; a result cites the revision that judged it."""

    facts = Facts(
        type="specification",
        key=("number", "revision"),
        owner=Owner.REGISTRANT,
        steward="quality",
        lifecycle=REVISION,
        fresh="PT1H",
    )
    number = Code(_("Specification number"), max_length=64)
    revision = Code(_("Revision"), max_length=16)
    state = Choice(_("State"), choices=REVISION_STATES, default="draft")
    effective_from = Day(_("Effective from"), owner=Owner.REGISTRANT, null=True, blank=True)
    effective_until = Day(_("Effective until"), owner=Owner.REGISTRANT, null=True, blank=True)
    item = Ref(Item, verbose_name=_("Item"), null=True, blank=True)
    characteristic = Text(_("Characteristic"), max_length=120)
    unit = Code(_("Unit"), max_length=16, group="measured")
    resolution = Number(_("Resolution"), null=True, blank=True)
    nominal = Number(_("Nominal"), null=True, blank=True)
    low = Number(_("Lower limit"), null=True, blank=True)
    high = Number(_("Upper limit"), null=True, blank=True)
    method = Text(_("Method"), max_length=120, null=True, blank=True)

    class Meta:
        db_table = "specification"
        verbose_name = _("Specification")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_specification_key")]


#: What a document is; its revision is what a plant works and measures by.
DOCUMENT_KINDS = [
    ("drawing", _("Drawing")),
    ("cad_model", _("CAD model")),
    ("nc_program", _("NC program")),
    ("setup_sheet", _("Setup sheet")),
    ("work_instruction", _("Work instruction")),
    ("inspection_plan", _("Inspection plan")),
]


class Document(Entity):
    """One revision of a document of the registrant: a drawing, a CAD model, an NC program, a setup sheet.

    The file itself is kept elsewhere; its name, size and digest say which bytes are meant. A revision of
    which several files are known is several documents, each under its own number.
    """

    facts = Facts(
        type="document",
        key=("number", "revision"),
        owner=Owner.REGISTRANT,
        steward="engineering",
        lifecycle=REVISION,
        fresh="PT1H",
    )
    number = Code(_("Document number"), max_length=120)
    revision = Code(_("Revision"), max_length=16)
    state = Choice(_("State"), choices=REVISION_STATES, default="draft")
    kind = Choice(_("Kind of document"), choices=DOCUMENT_KINDS)
    title = Text(_("Title"), max_length=200, null=True, blank=True)
    item = Ref(Item, verbose_name=_("Item"), null=True, blank=True)
    file = Text(_("File name"), max_length=300, null=True, blank=True)
    size_bytes = Count(_("File size in bytes"), null=True, blank=True)
    sha256 = Code(_("SHA-256 of the file"), max_length=64, null=True, blank=True)
    remark = Text(_("Remark"), max_length=500, null=True, blank=True)

    class Meta:
        db_table = "document"
        verbose_name = _("Document")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_document_key")]
