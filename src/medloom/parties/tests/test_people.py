"""People: roles, names that are never used again, a vault that can forget while the ledger stays whole."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from medloom.hub import WIRING
from medloom.kernel.access import seeing
from medloom.kernel.act import Act
from medloom.kernel.door import new_id, submit
from medloom.kernel.models import Entry
from medloom.parties import keys
from medloom.parties.actions import introduce, proves
from medloom.parties.models import Actor, Enrolment, Key, Person, User
from medloom.wire.verdict import Verdict

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
ACT = Act(actor="hub", at="2026-11-01T08:00:00Z", mint=new_id)
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def test_a_name_is_never_used_again_in_any_case() -> None:
    anna = User.objects.create_user("Anna", "a long pass phrase", site="A", roles=("planner",))
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("anna", "another pass phrase", site="A")
    with pytest.raises(TypeError, match="never deleted"):
        anna.delete()
    with pytest.raises(ProtectedError):
        User.objects.filter(pk=anna.pk).delete()
    assert User.objects.get_by_natural_key("ANNA") == anna


def test_roles_are_of_the_list_and_a_deactivated_user_may_nothing() -> None:
    with pytest.raises(ValueError, match="unknown role"):
        User.objects.create_user("bo", "a long pass phrase", site="A", roles=("king",))
    bo = User.objects.create_user("bo", "a long pass phrase", site="A", roles=("quality", "it"))
    assert bo.has_role("quality") and bo.has_role("admin", "it") and not bo.has_role("admin")
    assert not bo.is_staff and len(bo.actor) == 32
    bo.is_active = False
    assert not bo.has_perm("anything")


def test_erasing_a_person_leaves_the_ledger_whole_and_nobody_can_tell_who_it_was() -> None:
    operation = introduce(act=ACT, site="A", opaque="p1", name="李雷", contact="8123", salt=b"s" * 32)
    (answer,) = submit([operation], author="A", wiring=WIRING)
    assert answer.verdict is Verdict.ACCEPTED
    with seeing("A"):
        body = Entry.objects.get(seq=answer.seq).body
        held = Actor.objects.get().commitment
    assert "李雷" not in body and "8123" not in body and held in body
    assert proves(opaque="p1", commitment=held)
    assert Person.erase("p1") and not Person.erase("p1")
    assert not proves(opaque="p1", commitment=held)
    with seeing("A"):
        assert Entry.objects.get(seq=answer.seq).body == body and Actor.objects.get().opaque == "p1"


def test_an_id_is_one_person_for_ever_and_the_salt_is_long() -> None:
    Person.keep(opaque="p1", site="A", name="Li", contact="", salt=b"s" * 32)
    assert Person.keep(opaque="p1", site="A", name="Li", contact="", salt=b"t" * 32).salt == b"s" * 32
    with pytest.raises(ValueError, match="somebody else"):
        Person.keep(opaque="p1", site="A", name="Han", contact="", salt=b"s" * 32)
    with pytest.raises(ValueError, match="32 are needed"):
        Person.keep(opaque="p2", site="A", name="Han", contact="", salt=b"s")


def test_a_revoked_key_dies_at_once_and_two_may_overlap() -> None:
    day = dt.timedelta(days=1)
    old = Key.objects.create(site="A", public=b"o" * 32, since=NOW - 9 * day, until=NOW + day)
    Key.objects.create(site="A", public=b"n" * 32, since=NOW - day)
    Key.objects.create(site="B", public=b"b" * 32, since=NOW - day)
    assert keys.valid("A", NOW) == (b"n" * 32, b"o" * 32)
    assert keys.valid("A", NOW + 2 * day) == (b"n" * 32,)
    old.revoked = NOW
    old.save()
    assert keys.valid("A", NOW) == (b"n" * 32,)
    with pytest.raises(IntegrityError), transaction.atomic():
        Key.objects.create(site="A", public=b"x" * 32, since=NOW, until=NOW)


def test_an_enrolment_code_serves_one_key_of_its_site_in_time() -> None:
    hour = dt.timedelta(hours=1)
    Enrolment.objects.create(code=b"c" * 32, site="A", expires=NOW + hour)
    assert not keys.enrol("B", b"c" * 32, b"k" * 32, NOW)
    assert not keys.enrol("A", b"c" * 32, b"k" * 32, NOW + hour)
    assert keys.enrol("A", b"c" * 32, b"k" * 32, NOW)
    assert keys.enrol("A", b"c" * 32, b"k" * 32, NOW), "the first answer may have been lost"
    assert not keys.enrol("A", b"c" * 32, b"x" * 32, NOW)
