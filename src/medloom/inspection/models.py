"""Results of inspection, each with the specification revision it was judged by."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from medloom.design.models import Specification
from medloom.kernel.entity import OBSERVATION, Entity, Facts
from medloom.kernel.fields import Choice, Code, Instant, Number, Ref, Text
from medloom.materials.models import Lot


class Result(Entity):
    """One measured value of one lot. The author's judgement is kept; the hub judges by the cited revision."""

    facts = Facts(type="result", key=("number",), kinds=OBSERVATION)
    number = Code(_("Result number"), max_length=120)
    lot = Ref(Lot, verbose_name=_("Lot"))
    specification = Ref(Specification, verbose_name=_("Specification"), null=True, blank=True)
    characteristic = Text(_("Characteristic"), max_length=120, null=True, blank=True)
    sample = Code(_("Sample"), max_length=64, null=True, blank=True)
    value = Number(_("Value"))
    unit = Code(_("Unit"), max_length=16, group="measured")
    judged = Choice(_("Judged"), choices=[("pass", _("Pass")), ("fail", _("Fail"))], null=True, blank=True)
    measured = Instant(_("Measured at"), null=True, blank=True)
    inspector = Code(_("Inspector (opaque)"), max_length=64, null=True, blank=True)
    method = Text(_("Method"), max_length=120, null=True, blank=True)

    class Meta:
        db_table = "result"
        verbose_name = _("Inspection result")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_result_key")]
