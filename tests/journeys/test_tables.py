"""What SQL can say, SQL says too: a row that slipped past every rule is refused by the table itself."""

from __future__ import annotations

import uuid

import pytest
from django.db import IntegrityError, transaction

from medloom.design.models import Bom, BomLine, Equipment
from medloom.kernel.access import seeing
from medloom.kernel.entity import catalogue
from medloom.materials.models import Lot, Move
from medloom.production.models import StepRecord

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
HEAD = {"site": "A", "version": 1, "entry": 1}


def row(model, num: int, **values):
    return model(num=num, object=uuid.uuid4(), key=str(num), **HEAD, **values)


@pytest.mark.parametrize(
    ("bad", "constraint"),
    [
        (
            lambda: row(Move, 1, number="1", lot_id=1, kind="shipped", quantity=-1, unit="1"),
            "ck_move_quantity",
        ),
        (lambda: row(Equipment, 1, number="1", cavities=0), "ck_equipment_cavities"),
        (lambda: row(StepRecord, 1, number="1", day="2026-11-01", total=-1), "ck_step_record_counts"),
        (lambda: row(StepRecord, 1, number="1", day="2026-11-01", good=-1), "ck_step_record_counts"),
    ],
)
def test_a_value_that_cannot_be_is_refused(bad, constraint: str) -> None:
    with seeing("*"), pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        bad().save(force_insert=True)


def test_a_bom_line_is_for_at_least_one_piece() -> None:
    with seeing("*"):
        row(Bom, 1, item_id=1).save(force_insert=True)
        line = BomLine(parent_id=1, line=1, since=1, item_id=1, quantity=1, per=0)
        with pytest.raises(IntegrityError, match="ck_bom_line_per"), transaction.atomic():
            line.save(force_insert=True)


def test_a_key_is_bound_once_in_a_site_and_again_in_another() -> None:
    with seeing("*"):
        row(Lot, 1, number="L1").save(force_insert=True)
        twin = Lot(num=2, object=uuid.uuid4(), key="1", number="L1", **HEAD)
        with pytest.raises(IntegrityError, match="uniq_lot_key"), transaction.atomic():
            twin.save(force_insert=True)
        twin.site = "B"
        twin.save(force_insert=True)


def test_every_type_binds_its_key_in_its_table() -> None:
    for name, declared in catalogue().items():
        unique = {tuple(getattr(c, "fields", ())) for c in declared.model._meta.constraints}
        assert ("site", "key") in unique, name
