"""Work orders, the records of what was made, shift by shift, and the states of the machines."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from medloom.design.models import Equipment, Item
from medloom.kernel.entity import MASTER, OBSERVATION, Entity, Facts, Part
from medloom.kernel.fields import Choice, Code, Count, Day, Instant, Number, Quantity, Ref, Text
from medloom.materials.models import UNITS, Lot
from medloom.wire.sheet import Lifecycle, Owner, Step

#: `reported`: the plant tells of an order that it has, and no release of the registrant's is on record here.
#: The plant may go on with it; the registrant may give the release afterwards (docs/decisions/0021).
WORK_ORDER = Lifecycle(
    "draft",
    (
        Step("release", ("draft", "reported"), "released", Owner.REGISTRANT),
        Step("acknowledge", ("released",), "acknowledged", Owner.SITE),
        Step("start", ("acknowledged", "reported"), "in_process", Owner.SITE),
        Step("pause", ("in_process",), "on_hold", Owner.SHARED),
        Step("resume", ("on_hold",), "in_process", Owner.SHARED),
        Step("complete", ("in_process",), "completed", Owner.SITE),
        Step("close", ("completed",), "closed", Owner.REGISTRANT),
    ),
    observed="reported",
)


class WorkOrder(Entity):
    """What the registrant asks a site to make: item, quantity, day due. The site reports its progress."""

    facts = Facts(
        type="work_order",
        key=("number",),
        # Both sides keep the order in a system of their own and either may enter it first; what both
        # changed is a conflict. Dispatch itself (release) is the registrant's alone.
        owner=Owner.SHARED,
        # A site's own list of the orders it has received may come as an observation of them.
        kinds=MASTER | OBSERVATION,
        steward="planning",
        lifecycle=WORK_ORDER,
        fresh="PT1H",
        place=True,
    )
    number = Code(_("Work order number"), max_length=64)
    state = Choice(
        _("State"),
        choices=[
            ("draft", _("Draft")),
            ("reported", _("Reported by the plant")),
            ("released", pgettext_lazy("work order", "Released")),
            ("acknowledged", _("Acknowledged")),
            ("in_process", _("In process")),
            ("on_hold", _("On hold")),
            ("completed", _("Completed")),
            ("closed", _("Closed")),
        ],
        default="draft",
    )
    item = Ref(Item, verbose_name=_("Item"), null=True, blank=True)
    quantity = Count(_("Ordered pieces"), null=True, blank=True)
    revision = Code(_("BOM revision"), max_length=16, null=True, blank=True)
    received = Day(_("Order received"), null=True, blank=True)
    due = Day(_("Due day"), null=True, blank=True)
    resin = Ref(Item, verbose_name=_("Resin"), null=True, blank=True, db_index=False)
    resin_quantity = Quantity(_("Resin quantity"), unit="kg", places=6, null=True, blank=True)
    masterbatch = Ref(Item, verbose_name=_("Masterbatch"), null=True, blank=True, db_index=False)
    masterbatch_quantity = Quantity(_("Masterbatch quantity"), unit="kg", places=6, null=True, blank=True)
    additive = Ref(Item, verbose_name=_("Additive"), null=True, blank=True, db_index=False)
    additive_quantity = Quantity(_("Additive quantity"), unit="kg", places=6, null=True, blank=True)
    planned_start = Day(_("Planned start"), owner=Owner.SHARED, null=True, blank=True)
    remark = Text(_("Remark"), max_length=500, owner=Owner.SHARED, null=True, blank=True)
    progress = Count(_("Pieces reported"), owner=Owner.SITE, null=True, blank=True)
    scrapped = Count(_("Pieces scrapped"), owner=Owner.SITE, null=True, blank=True)
    scrap_reason = Code(_("Scrap reason"), max_length=64, owner=Owner.SITE, null=True, blank=True)

    class Meta:
        db_table = "work_order"
        verbose_name = _("Work order")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_work_order_key")]
        # The overview asks which orders moved last.
        indexes = [models.Index(fields=["entry"], name="work_order_moved")]


class StepRecord(Entity):
    """What one machine made of one order in one shift: shots, pieces, defects, and from which lot.

    An observation: it is kept even where it disagrees with the plan, with findings.
    """

    facts = Facts(type="step_record", key=("number",), kinds=OBSERVATION, steward="production")
    number = Code(_("Record number"), max_length=160)
    day = Day(_("Day"))
    shift = Code(_("Shift"), max_length=16, null=True, blank=True)
    work_order = Ref(WorkOrder, verbose_name=_("Work order"), null=True, blank=True)
    item = Ref(Item, verbose_name=_("Item"), null=True, blank=True, db_index=False)
    machine = Ref(Equipment, verbose_name=_("Machine"), null=True, blank=True)
    mould = Ref(Equipment, verbose_name=_("Mould"), null=True, blank=True)
    resin = Ref(Item, verbose_name=_("Resin"), null=True, blank=True, db_index=False)
    resin_lot = Ref(Lot, verbose_name=_("Resin lot"), null=True, blank=True)
    masterbatch = Ref(Item, verbose_name=_("Masterbatch"), null=True, blank=True, db_index=False)
    additive = Ref(Item, verbose_name=_("Additive"), null=True, blank=True, db_index=False)
    output_lot = Ref(Lot, verbose_name=_("Output lot"), null=True, blank=True)
    revision = Code(_("BOM revision"), max_length=16, null=True, blank=True)
    shots = Count(_("Shots"), null=True, blank=True)
    cavities = Count(_("Cavities used"), high=512, null=True, blank=True)
    total = Count(_("Pieces made"), null=True, blank=True)
    good = Count(_("Good pieces"), null=True, blank=True)
    operator = Code(_("Operator (opaque)"), max_length=64, null=True, blank=True)
    # What a machine tells of one run by itself: when, by which program, of which single piece.
    started = Instant(_("Started"), null=True, blank=True)
    ended = Instant(_("Ended"), null=True, blank=True)
    program = Code(_("Program"), max_length=160, null=True, blank=True)
    serial = Code(_("Serial number"), max_length=64, null=True, blank=True)
    note = Text(_("Note"), max_length=500, null=True, blank=True)

    class Meta:
        db_table = "step_record"
        verbose_name = _("Step record")
        constraints = [
            models.UniqueConstraint(fields=["site", "key"], name="uniq_step_record_key"),
            # Counts of things; a wrong sum is a finding, a negative count is no observation at all.
            models.CheckConstraint(
                condition=(Q(total__isnull=True) | Q(total__gte=0)) & (Q(good__isnull=True) | Q(good__gte=0)),
                name="ck_step_record_counts",
            ),
        ]
        indexes = [models.Index(fields=["site", "day"], name="step_record_day")]


#: Defect classes of moulding and machining; a plant's own words are mapped onto them.
DEFECTS = [
    ("black_spot", _("Black spot")),
    ("oil_deposit", _("Oil deposit")),
    ("scratch", _("Scratch")),
    ("crack", _("Crack")),
    ("sink_mark", _("Sink mark")),
    ("short_shot", _("Short shot")),
    ("burst", _("Burst")),
    ("bend", _("Bent")),
    ("stain", _("Stain")),
    ("flash", _("Flash")),
    ("burr", _("Burr")),
    ("dimension", _("Out of dimension")),
    ("assembly", _("Wrongly assembled")),
    ("marking", _("Wrong marking")),
    ("other", _("Other defect")),
]


class Defect(Part):
    """So many pieces of a step record with one class of defect."""

    parent = models.ForeignKey(StepRecord, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    kind = Choice(_("Defect class"), choices=DEFECTS)
    count = Count(_("Pieces"))

    class Meta:
        db_table = "step_defect"
        default_related_name = "defects"
        verbose_name = _("Defect")


class Input(Part):
    """A lot that went into the output lot, beside the resin lot: components, inserts, masterbatch lots."""

    parent = models.ForeignKey(StepRecord, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    lot = Ref(Lot, verbose_name=_("Lot"))
    quantity = Number(_("Quantity consumed"), null=True, blank=True)
    unit = Choice(_("Unit"), choices=UNITS, default="1")

    class Meta:
        db_table = "step_input"
        default_related_name = "inputs"
        verbose_name = _("Input")


class Reading(Part):
    """A process parameter as the machine had it, with the revision it was set by."""

    parent = models.ForeignKey(StepRecord, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    name = Code(_("Parameter"), max_length=64)
    # A number with its unit, or a word (a program's name); neither: the machine said nothing of it.
    value = Number(_("Value"), null=True, blank=True)
    unit = Code(_("Unit"), max_length=16)
    text = Text(_("Word"), max_length=160, null=True, blank=True)
    revision = Code(_("Revision"), max_length=16, null=True, blank=True)

    class Meta:
        db_table = "step_parameter"
        default_related_name = "parameters"
        verbose_name = _("Reading")


#: States of a machine, in one vocabulary for MTConnect EXECUTION, OPC 40077 and ISA-95 job states.
MACHINE_STATES = [
    ("active", _("Running")),
    ("interrupted", _("Feed hold")),
    ("stopped", pgettext_lazy("machine", "Stopped")),
    ("ready", pgettext_lazy("machine", "Ready")),
    ("completed", _("Program completed")),
    ("setup", _("Setting up")),
    ("aborted", _("Aborted")),
    ("offline", _("Switched off or unavailable")),
    ("unknown", _("Not heard")),
]


class EquipmentStatus(Entity):
    """What state a machine was in from one moment on, until the next status of the same machine.

    `reported` is the machine's own word for it. Status `unknown` marks a gap: from that moment the machine
    was not heard, so nothing is claimed of it; `cause` says why.
    """

    facts = Facts(
        type="equipment_status",
        key=("number",),
        kinds=OBSERVATION,
        steward="production",
        fresh="PT1H",
        retention="3 years",
    )
    number = Code(_("Status number"), max_length=160)
    machine = Ref(Equipment, verbose_name=_("Machine"))
    since = Instant(_("Since"))
    status = Choice(_("Machine state"), choices=MACHINE_STATES)
    reported = Code(_("Word of the machine"), max_length=64, null=True, blank=True)
    program = Code(_("Program"), max_length=160, null=True, blank=True)
    part = Code(_("Part"), max_length=64, null=True, blank=True)
    available = Choice(
        _("Availability"),
        choices=[("available", _("Available")), ("unavailable", _("Unavailable"))],
        null=True,
        blank=True,
    )
    alarm = Text(_("Alarm"), max_length=300, null=True, blank=True)
    cause = Text(_("Cause of the gap"), max_length=300, null=True, blank=True)

    class Meta:
        db_table = "equipment_status"
        verbose_name = _("Equipment status")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_equipment_status_key")]
        # The timeline asks for one machine and a period.
        indexes = [models.Index(fields=["machine", "since"], name="equipment_status_since")]
