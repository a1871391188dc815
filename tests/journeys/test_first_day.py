"""What cannot be added later, each with a test that fails without it (design: first-day properties)."""

from __future__ import annotations

import hashlib

import orjson
import pytest
from django.db import connection, models
from django.db.utils import ProgrammingError

from medloom.exchange.sequencer import Sequencer, start_epoch
from medloom.exchange.tests.test_sequencer import connect
from medloom.kernel.access import seeing
from medloom.kernel.entity import Entity, catalogue, meanings
from medloom.kernel.fields import Expiry
from medloom.kernel.meaning import Refused
from medloom.kernel.models import Build, Entry, Leaf
from medloom.materials.models import Lot, Serial
from medloom.parties.people import User
from medloom.process.fence import schema_of
from medloom.wire.chain import entry_hash
from medloom.wire.merkle import leaf_hash
from medloom.wire.verdict import Verdict
from tests.journeys.sending import ACT, plant, registrant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def entry(seq: int) -> Entry:
    with seeing("*"):
        return Entry.objects.get(seq=seq)


def test_server_time_stands_beside_event_time_with_zone_and_clock() -> None:
    """21 CFR 11.10(e): the clock of the one who acts decides nothing (requirement 18, 33)."""
    late = plant("lot", "set", fields={"number": "L1"}, at="2031-01-01T00:00:00Z", zone="Asia/Shanghai")
    kept = entry(late.seq)
    assert kept.received.year < 2031
    told = orjson.loads(kept.body)
    assert (told["at"], told["zone"]) == ("2031-01-01T00:00:00Z", "Asia/Shanghai")


def test_a_change_without_a_reason_is_refused() -> None:
    """Requirement 17. A source's reason is its feed and row, a person's is text."""
    made = plant("lot", "set", object="0190b5a0-0000-7000-8000-000000000001", fields={"number": "L1"})
    assert made.verdict is Verdict.ACCEPTED
    bare = plant("lot", "set", object="0190b5a0-0000-7000-8000-000000000001", base=1, fields={"remark": "x"})
    assert (bare.verdict, bare.refusal.code) == (Verdict.QUARANTINED, "reason_missing")


def test_every_entry_names_the_code_configuration_and_schema_that_decided() -> None:
    kept = entry(plant("lot", "set", fields={"number": "L1"}).seq)
    build = Build.objects.get(id=kept.build)
    assert build.app and build.config and build.schema


def test_nothing_of_the_business_or_the_ledger_can_be_deleted() -> None:
    """Requirement 16: the application's role lacks DELETE and TRUNCATE on every such table."""
    with connection.cursor() as cursor:
        cursor.execute(
            """select n.nspname || '.' || c.relname
               from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where c.relkind in ('r', 'p') and n.nspname in ('business', 'ledger')
                 and (has_table_privilege('medloom_app', c.oid, 'delete')
                   or has_table_privilege('medloom_app', c.oid, 'truncate')
                   or (n.nspname = 'ledger' and has_table_privilege('medloom_app', c.oid, 'update')))"""
        )
        assert cursor.fetchall() == []
        cursor.execute("select count(*) from pg_tables where schemaname in ('business', 'ledger')")
        assert cursor.fetchone()[0] > 20, "the tables are where the question looks"


def test_every_business_table_is_fenced_and_forced() -> None:
    tables = [m._meta.db_table for m in models_of("business")]
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relname = any(%s) and relrowsecurity and relforcerowsecurity",
            [tables],
        )
        fenced = {name for (name,) in cursor.fetchall()}
    assert set(tables) - fenced == set()


def models_of(schema: str) -> list[type[models.Model]]:
    from django.apps import apps

    return [m for m in apps.get_models() if schema_of(m) == schema]


def test_a_user_name_is_never_used_again() -> None:
    """21 CFR 11.100(a)."""
    User.objects.create_user("anna", "a long password", site="A")
    with pytest.raises(Exception, match="uniq_login_username"):
        User.objects.create_user("ANNA", "a long password", site="A")


def test_no_field_of_any_object_is_personal_and_every_field_is_declared() -> None:
    for declared in catalogue().values():
        facts = declared.facts
        assert facts.readers in ("site", "network", "registrant"), declared.type
        assert facts.steward and facts.fresh.startswith("P") and facts.retention and facts.region
        for name, field in declared.fields.items():
            assert field.personal is False, f"{declared.type}.{name}"
        plain = {f.name for f in declared.model._meta.local_concrete_fields} - set(meanings(declared.model))
        assert plain <= {f.name for f in Entity._meta.get_fields()} | {"state"}, declared.type


def test_what_only_the_registrant_reads_reaches_no_plant() -> None:
    """One type, one reader set: a line is shown whole or not at all."""
    (answer,) = registrant(ACT.create("party", site="", fields={"number": "P1", "name": "x", "kind": "cmo"}))
    assert answer.verdict is Verdict.ACCEPTED, answer
    assert entry(answer.seq).sites == ["HQ"]
    with seeing("A"), connection.cursor() as cursor:
        cursor.execute("select count(*) from party")
        assert cursor.fetchone() == (0,)


def test_where_an_entry_goes_is_stored_with_it() -> None:
    made = plant("lot", "set", fields={"number": "L1"})
    refused = plant("lot", "set", fields={"number": 7})
    assert entry(made.seq).sites == ["A"] and entry(refused.seq).sites == ["A"]


def test_leaves_of_the_log_are_salted() -> None:
    """Without the salt nobody can guess what a leaf stands for; erasing it unties the leaf."""
    first, second = (plant("lot", "set", fields={"number": n}) for n in ("L1", "L2"))
    with connect("app") as app, connect("sequencer") as link:
        start_epoch(app)
        sequencer = Sequencer(link)
        sequencer.load()
        assert sequencer.round() == 2
    leaves = {leaf.seq: leaf for leaf in Leaf.objects.all()}
    assert bytes(leaves[first.seq].salt) != bytes(leaves[second.seq].salt)
    kept = entry(first.seq)
    digest = entry_hash(
        seq=kept.seq,
        operation=bytes(kept.hash),
        verdict=kept.verdict,
        object=str(kept.object),
        version=kept.version,
        decision=(kept.decision or "").encode(),
    )
    salt = bytes(leaves[first.seq].salt)
    assert bytes(leaves[first.seq].hash) == leaf_hash(salt=salt, entry=digest)


def test_the_payload_is_kept_verbatim_and_hashed() -> None:
    """ALCOA+: original."""
    answer = plant("lot", "set", fields={"number": "L1", "made": "2026-13-01"})
    kept = entry(answer.seq)
    assert bytes(kept.hash) == hashlib.sha256(kept.body.encode()).digest()
    assert '"made":"2026-13-01"' in kept.body


def test_a_unit_or_a_lot_is_the_tracked_thing() -> None:
    plant("lot", "set", fields={"number": "L1"})
    answer = plant("serial", fields={"lot": "L1", "number": "0007"})
    assert answer.verdict is Verdict.ACCEPTED
    with seeing("A"):
        assert Serial.objects.get(lot__key="L1").number == "0007"


@pytest.mark.parametrize("kind", ["bom", "parameter", "specification"])
def test_revision_and_effectivity_are_on_every_document_of_the_process(kind: str) -> None:
    assert {"revision", "effective_from", "effective_until"} <= set(catalogue()[kind].fields)


def test_an_expiry_keeps_the_precision_it_was_given() -> None:
    """GS1 AI (17): YYMM00 is a month, not its last day."""
    plant("lot", "set", fields={"number": "L1", "expires": "2027-02"})
    plant("lot", "set", fields={"number": "L2", "expires": "2027-02-28"})
    with seeing("A"):
        kept = dict(Lot.objects.values_list("key", "expires"))
    assert kept == {"L1": "2027-02", "L2": "2027-02-28"}
    assert Expiry.last_day("2027-02") == Expiry.last_day("2027-02-28")
    assert Expiry.last_day("2027-12").isoformat() == "2027-12-31"
    for wrong in ("2027-13", "2027-02-30", "2702", "2027-2"):
        with pytest.raises(Refused):
            Expiry().accept(wrong)


def test_a_partners_number_is_kept_verbatim_and_longer_ones_are_refused() -> None:
    """GS1 AI (10) holds 20 characters; a partner's own number may be longer and is never cut."""
    theirs = "7C26G011-1706/补-" + "x" * 20
    plant("lot", "set", fields={"number": theirs})
    with seeing("A"):
        assert Lot.objects.get().number == theirs
    refused = plant("lot", "set", fields={"number": "x" * 65})
    assert (refused.verdict, refused.refusal.code) == (Verdict.QUARANTINED, "too_long")


def test_the_ledger_refuses_a_rewrite_by_the_application() -> None:
    plant("lot", "set", fields={"number": "L1"})
    with pytest.raises(ProgrammingError, match="permission denied"), seeing("*"):
        Entry.objects.update(verdict="rejected")
