"""Inspections, their results with the specification revision each is judged by, gauges, disagreements."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from medloom.design.models import Document, Item, Specification
from medloom.kernel.entity import MASTER, OBSERVATION, Entity, Facts, Part
from medloom.kernel.fields import Choice, Code, Count, Day, Instant, Number, Ref, Text
from medloom.materials.models import Lot
from medloom.wire.sheet import Lifecycle, Owner, Step

JUDGED = [("pass", _("Pass")), ("fail", _("Fail"))]

GAUGE = Lifecycle(
    "in_service",
    (
        Step("fall_due", ("in_service",), "due", Owner.SITE),
        Step("find_out", ("in_service", "due"), "out_of_tolerance", Owner.SITE),
        Step("calibrate", ("due", "out_of_tolerance"), "in_service", Owner.SITE),
        Step("retire", ("in_service", "due", "out_of_tolerance"), "retired", Owner.SITE),
    ),
)


class Gauge(Entity):
    """A measuring device with its calibration (ISO 13485 7.6). Results name the one they were taken with."""

    facts = Facts(
        type="gauge",
        key=("number",),
        kinds=MASTER | OBSERVATION,
        steward="quality",
        lifecycle=GAUGE,
        place=True,
    )
    number = Code(_("Gauge number"), max_length=64)
    name = Text(_("Name"), max_length=120, null=True, blank=True)
    state = Choice(
        _("State"),
        choices=[
            ("in_service", _("In service")),
            ("due", _("Calibration due")),
            ("out_of_tolerance", _("Out of tolerance")),
            ("retired", _("Retired")),
        ],
        default="in_service",
    )
    laboratory = Code(_("Laboratory"), max_length=32, null=True, blank=True)
    calibrated = Day(_("Calibrated on"), null=True, blank=True)
    due = Day(_("Next calibration due"), null=True, blank=True)
    certificate = Text(_("Calibration certificate"), max_length=120, null=True, blank=True)

    class Meta:
        db_table = "gauge"
        verbose_name = _("Gauge")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_gauge_key")]


class Inspection(Entity):
    """One part or lot measured once by one laboratory, with the file that says so.

    `stated` is the author's verdict on the whole. The hub's own follows from the results and the limits they
    cite, so it is asked for and not kept. Two inspections of one part both stand, whatever they say.
    """

    facts = Facts(type="inspection", key=("number",), kinds=OBSERVATION, place=True)
    number = Code(_("Inspection number"), max_length=96)
    kind = Choice(
        _("Kind of inspection"),
        choices=[
            ("incoming", _("Incoming inspection")),
            ("in_process", _("In-process inspection")),
            ("final", _("Final inspection")),
            ("first_article", _("First-article inspection")),
        ],
        null=True,
        blank=True,
    )
    lot = Ref(Lot, verbose_name=_("Lot"), null=True, blank=True)
    item = Ref(Item, verbose_name=_("Item"), null=True, blank=True)
    laboratory = Code(_("Laboratory"), max_length=32, null=True, blank=True)
    document = Ref(Document, verbose_name=_("Inspected against"), null=True, blank=True)
    drawing = Text(_("Drawing as stated"), max_length=200, null=True, blank=True)
    performed = Instant(_("Performed at"), null=True, blank=True)
    program = Text(_("Inspection program"), max_length=200, null=True, blank=True)
    software = Text(_("Measuring software"), max_length=200, null=True, blank=True)
    serial = Text(_("Serial as stated"), max_length=200, null=True, blank=True)
    position = Count(_("Position in the file"), null=True, blank=True)
    source_file = Text(_("Source file"), max_length=300, null=True, blank=True)
    source_sha256 = Code(_("SHA-256 of the source file"), max_length=64, null=True, blank=True)
    stated = Choice(_("Stated verdict"), choices=JUDGED, null=True, blank=True)
    remark = Text(_("Remark"), max_length=500, null=True, blank=True)

    class Meta:
        db_table = "inspection"
        verbose_name = _("Inspection")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_inspection_key")]


class Result(Entity):
    """One measured value of one lot. The author's judgement is kept; the hub judges by the cited revision.

    `nominal`, `low` and `high` are the limits as the author states them, in the unit of the value: where
    they differ from the cited revision, or none is cited, they say what the author judged by.
    """

    facts = Facts(type="result", key=("number",), kinds=OBSERVATION)
    number = Code(_("Result number"), max_length=120)
    lot = Ref(Lot, verbose_name=_("Lot"))
    specification = Ref(Specification, verbose_name=_("Specification"), null=True, blank=True)
    characteristic = Text(_("Characteristic"), max_length=120, null=True, blank=True)
    sample = Code(_("Sample"), max_length=64, null=True, blank=True)
    value = Number(_("Value"))
    unit = Code(_("Unit"), max_length=16, group="measured")
    judged = Choice(_("Judged"), choices=JUDGED, null=True, blank=True)
    measured = Instant(_("Measured at"), null=True, blank=True)
    inspector = Code(_("Inspector (opaque)"), max_length=64, null=True, blank=True)
    method = Text(_("Method"), max_length=120, null=True, blank=True)
    inspection = Ref(Inspection, verbose_name=_("Inspection"), null=True, blank=True)
    item = Ref(Item, verbose_name=_("Item"), null=True, blank=True)
    laboratory = Code(_("Laboratory"), max_length=32, null=True, blank=True)
    gauge = Ref(Gauge, verbose_name=_("Gauge"), null=True, blank=True)
    nominal = Number(_("Nominal"), null=True, blank=True)
    low = Number(_("Lower limit as stated"), null=True, blank=True)
    high = Number(_("Upper limit as stated"), null=True, blank=True)
    kind = Code(_("Kind of characteristic"), max_length=32, null=True, blank=True)
    #: Two laboratories are compared once both have told all they measured of a part.
    series = Count(_("Results of the inspection in all"), null=True, blank=True)
    note = Text(_("Note"), max_length=300, null=True, blank=True)

    class Meta:
        db_table = "result"
        verbose_name = _("Inspection result")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_result_key")]


DISAGREEMENT = Lifecycle(
    "open",
    (
        Step("settle", ("open",), "settled", Owner.REGISTRANT),
        # The hub's own: the lots that it was about were parted again, so nothing is left to decide.
        Step("lapse", ("open",), "lapsed", Owner.REGISTRANT),
        Step("reopen", ("settled", "lapsed"), "open", Owner.REGISTRANT),
    ),
)


class Disagreement(Entity):
    """Two laboratories that judge parts of one number differently: one item for one person to decide.

    Both results stay as they are. The decision says for each characteristic which laboratory's verdict
    counts, or that it is to be measured again; it is undone by opening the disagreement again. The hub opens
    it again when a new result, or a lot that is found to be the same part, makes the two disagree otherwise.
    """

    facts = Facts(
        type="disagreement",
        key=("number",),
        owner=Owner.REGISTRANT,
        steward="quality",
        lifecycle=DISAGREEMENT,
        fresh="PT1M",
    )
    number = Code(_("Disagreement number"), max_length=120)
    state = Choice(
        _("State"),
        choices=[("open", _("Open")), ("settled", _("Settled")), ("lapsed", _("Lapsed"))],
        default="open",
    )
    item = Ref(Item, verbose_name=_("Item"))
    first = Code(_("First laboratory"), max_length=32)
    second = Code(_("Second laboratory"), max_length=32)
    outcome = Choice(
        _("Decision"),
        choices=[
            ("first", _("The first laboratory's results count")),
            ("second", _("The second laboratory's results count")),
            ("each", _("Decided for each characteristic")),
            ("remeasure", _("To be measured again")),
        ],
        null=True,
        blank=True,
    )

    class Meta:
        db_table = "disagreement"
        verbose_name = _("Disagreement between laboratories")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_disagreement_key")]


class Stand(Part):
    """For one characteristic: whose verdict counts, or that it is to be measured again."""

    parent = models.ForeignKey(
        Disagreement, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+"
    )
    characteristic = Text(_("Characteristic"), max_length=120)
    stands = Choice(
        _("What counts"),
        choices=[
            ("first", _("First laboratory")),
            ("second", _("Second laboratory")),
            ("remeasure", _("Measure again")),
        ],
    )

    class Meta:
        db_table = "disagreement_stand"
        default_related_name = "stands"
        verbose_name = _("What counts")
