"""The registrant's device catalogue: each UDI-DI with its packages and the conditions it is stored in."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from medloom.kernel.entity import MASTER, OBSERVATION, Entity, Facts, Part
from medloom.kernel.fields import Choice, Code, Count, Day, Flag, Number, Text
from medloom.wire.sheet import Owner

#: Who issues device identifiers (21 CFR 830.100; Regulation (EU) 2017/745, Article 27).
AGENCIES = [("GS1", "GS1"), ("HIBCC", "HIBCC"), ("ICCBBA", "ICCBBA"), ("NDC", "NDC/NHRIC")]


class Device(Entity):
    """One device identifier (UDI-DI) as the registrant has it in its catalogue.

    The identifier is kept as it was issued; the same device at another package level is a line of `packages`.
    """

    facts = Facts(
        type="device",
        key=("di",),
        owner=Owner.REGISTRANT,
        kinds=MASTER | OBSERVATION,
        readers="network",
        network=True,
        steward="regulatory",
        fresh="P30D",
        place=True,
    )
    di = Code(_("Device identifier (UDI-DI)"), max_length=23)
    agency = Choice(_("Issuing agency"), choices=AGENCIES, null=True, blank=True)
    brand = Text(_("Brand"), max_length=200, null=True, blank=True)
    model = Text(_("Version or model"), max_length=120, null=True, blank=True)
    catalogue = Text(_("Catalogue number"), max_length=120, null=True, blank=True)
    company = Text(_("Labeller"), max_length=200, null=True, blank=True)
    description = Text(_("Description"), max_length=2_000, null=True, blank=True)
    status = Choice(
        _("Commercial status"),
        choices=[
            ("in_distribution", _("In commercial distribution")),
            ("not_in_distribution", _("Not in commercial distribution")),
        ],
        null=True,
        blank=True,
    )
    published = Day(_("Published on"), null=True, blank=True)
    #: Number of the record's public edition, and the day of it or of the release that it was read from.
    edition = Count(_("Edition of the record"), low=1, null=True, blank=True)
    edition_on = Day(_("Edition of"), null=True, blank=True)
    distribution_end = Day(_("End of distribution"), null=True, blank=True)
    count = Count(_("Devices in the base package"), low=1, null=True, blank=True)
    lot_marked = Flag(_("Lot on the label"), null=True, blank=True)
    serial_marked = Flag(_("Serial number on the label"), null=True, blank=True)
    made_marked = Flag(_("Manufacturing date on the label"), null=True, blank=True)
    expiry_marked = Flag(_("Expiry date on the label"), null=True, blank=True)
    marking_exempt = Flag(_("Exempt from direct marking"), null=True, blank=True)
    single_use = Flag(_("Single use"), null=True, blank=True)
    sterile = Flag(_("Packaged sterile"), null=True, blank=True)
    sterilise = Flag(_("Sterilise before use"), null=True, blank=True)
    codes = Text(_("Product codes"), max_length=200, null=True, blank=True)
    remark = Text(_("Remark"), max_length=200, null=True, blank=True)

    class Meta:
        db_table = "device"
        verbose_name = _("Device")
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="uniq_device_key")]


class DevicePackage(Part):
    """Another identifier of the device: a package level, a second agency's, the one marked on the part."""

    parent = models.ForeignKey(Device, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    kind = Choice(
        _("Kind of identifier"),
        choices=[
            ("package", pgettext_lazy("identifier", "Package")),
            ("secondary", pgettext_lazy("identifier", "Secondary")),
            ("direct_marking", pgettext_lazy("identifier", "Direct marking")),
            ("unit_of_use", pgettext_lazy("identifier", "Unit of use")),
            ("previous", pgettext_lazy("identifier", "Previous")),
        ],
        default="package",
    )
    di = Code(_("Device identifier (UDI-DI)"), max_length=23)
    agency = Choice(_("Issuing agency"), choices=AGENCIES, null=True, blank=True)
    #: 1 holds base packages, 2 holds packages of level 1, and so on.
    level = Count(_("Package level"), low=1, high=9, null=True, blank=True)
    contains = Code(_("Contains"), max_length=23, null=True, blank=True)
    quantity = Count(_("Quantity in the package"), low=1, null=True, blank=True)
    status = Text(_("Package status"), max_length=64, null=True, blank=True)
    discontinued = Day(_("Discontinued on"), null=True, blank=True)

    class Meta:
        db_table = "device_package"
        default_related_name = "packages"
        verbose_name = _("Package")
        # A scanned code is looked up among the packages too.
        indexes = [models.Index(fields=["di"], name="device_package_di")]


class DeviceStorage(Part):
    """One condition of storage or handling, as the label says it: limits with their unit, or words."""

    parent = models.ForeignKey(Device, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    kind = Text(_("Kind of condition"), max_length=120)
    low = Number(_("Lower limit"), places=3, null=True, blank=True)
    high = Number(_("Upper limit"), places=3, null=True, blank=True)
    unit = Code(_("Unit"), max_length=16, group="measured", null=True, blank=True)
    text = Text(_("In words"), max_length=500, null=True, blank=True)

    class Meta:
        db_table = "device_storage"
        default_related_name = "storage"
        verbose_name = _("Storage condition")
