"""api/ is what the models say, and a change of a field shows as a difference."""

from __future__ import annotations

import json

import pytest

from medloom.derive.__main__ import ROOT, differences, main, write
from medloom.derive.codes import CODES
from medloom.derive.documents import documents
from medloom.derive.errors import raised
from medloom.derive.meaning import schema
from medloom.kernel.entity import catalogue
from medloom.kernel.fields import Choice, Count, Quantity
from medloom.parties.models import Role
from medloom.parties.roles import ROLES, WRITERS
from medloom.wire.operation import Kind

pytestmark = pytest.mark.files


def test_what_is_checked_in_is_what_the_models_say() -> None:
    assert differences(ROOT / "api", documents()) == []


def test_a_changed_field_shows_in_every_document_that_names_it(tmp_path, monkeypatch) -> None:
    write(tmp_path, documents())
    field = catalogue()["step_record"].fields["shots"]
    monkeypatch.setattr(field, "high", 5)
    monkeypatch.setattr(field, "verbose_name", "Strokes")
    found = "\n".join(differences(tmp_path, documents()))
    assert "+++ api/data-map.md (models)" in found and "+++ api/events/step_record.v1.json (models)" in found
    assert "Strokes" in found and "whole number 0 to 5" in found and '"maximum": 5' in found
    assert "events/lot.v1.json" not in found


def test_missing_and_idle_files_show_and_are_mended(tmp_path) -> None:
    wanted = documents()
    write(tmp_path, wanted)
    (tmp_path / "access.md").unlink()
    (tmp_path / "old.md").write_text("left over\n")
    assert len(differences(tmp_path, wanted)) == 2
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    assert main(["--folder", str(tmp_path)]) == 0
    assert differences(tmp_path, wanted) == [] and not (tmp_path / "old.md").exists()


def test_every_code_is_explained_and_every_explanation_is_used() -> None:
    found = set(raised())
    assert found - set(CODES) == set(), "explain these in medloom/derive/codes.py"
    assert set(CODES) - found == set(), "nothing gives these codes any more"


def test_documents_do_not_depend_on_the_language() -> None:
    from django.utils import translation

    with translation.override("zh-hans"):
        chinese = documents()
    assert chinese == documents()


def test_schema_of_meaningful_fields() -> None:
    def named(field):
        field.name = field.verbose_name = "x"
        return schema(field)

    assert named(Count(low=1, high=9)) == {"title": "x", "type": "integer", "minimum": 1, "maximum": 9}
    weight = named(Quantity(unit="kg", places=2, null=True))
    assert weight["type"] == ["string", "null"] and weight["x-unit"] == "kg"
    assert weight["pattern"] == r"^-?[0-9]{1,18}(\.[0-9]{1,2})? kg$"
    assert named(Choice(choices=[("a", "A")], null=True))["enum"] == ["a", None]


def test_every_type_has_an_event_and_says_what_a_new_one_needs() -> None:
    texts = documents()
    for name, declared in catalogue().items():
        event = json.loads(texts[f"events/{name}.v1.json"])
        fields = event["properties"]["data"]["properties"]["operation"]["properties"]["fields"]
        assert fields["x-required-for-new"] == list(declared.required)
        assert set(declared.fields) <= set(fields["properties"])


def test_roles_are_the_ones_people_can_have_and_write_what_takes_writing() -> None:
    assert set(ROLES) == set(Role.WORDS)
    assert {role for roles in WRITERS.values() for role in roles} <= set(ROLES)
    written = {name for name, one in catalogue().items() if Kind.SET in one.facts.kinds}
    assert set(WRITERS) == written
