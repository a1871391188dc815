"""A mapping of the wrong shape is told with its place, what is permitted, and what was found."""

from __future__ import annotations

import pytest

from medloom.agent.declaration import MappingRefused, parse_mapping
from medloom.agent.sources.tables import read_table
from medloom.agent.translate import Translator

pytestmark = pytest.mark.files

MAPPING = """
feed: a
match: {files: ["*"]}
records:
  - type: result
    key: [n]
    fields: {good: {column: n, as: code}, bad: {column: n, as: RULE}}
"""
BAD = "$.records[0].fields.bad"


@pytest.mark.parametrize(
    ("rule", "place", "expected", "got"),
    [
        ("whole", f"{BAD}.as", "integer", "whole"),
        ("code, requird: true", f"{BAD}.requird", "required", "requird"),
        ("code, required: 5", f"{BAD}.required", "true or false", "5"),
        ("choice, choices: {x: 3}", f"{BAD}.choices.x", "a text", "3"),
        ("choice, choices: {2: x}", f"{BAD}.choices", "a text as key", "2"),
        ("quantity", BAD, "unit: {from", "without unit"),
        ("number, unit: {from: xx, to: mm}", f"{BAD}.unit", "um", "xx to mm"),
        ("list, members: [{fields: {lot: {as: whole}}}]", f"{BAD}.members[0].fields.lot.as", "lot", "whole"),
    ],
)
def test_a_rule_that_is_wrong(rule: str, place: str, expected: str, got: str) -> None:
    with pytest.raises(MappingRefused) as refused:
        parse_mapping(MAPPING.replace("RULE", rule))
    told = refused.value
    assert told.path == place
    assert expected in told.expected and got in told.got


def test_a_file_that_is_no_mapping() -> None:
    with pytest.raises(MappingRefused) as refused:
        parse_mapping("match: {files: [x]}\n", name="x.yaml")
    assert (refused.value.path, refused.value.expected) == ("x.yaml", "the key feed")
    with pytest.raises(MappingRefused) as refused:
        parse_mapping("[1]", name="x.yaml")
    assert refused.value.expected == "keys with values"


@pytest.mark.parametrize("sign", ["u", "\u00b5", "\u03bc"])
def test_either_sign_of_micro_is_a_u(sign: str) -> None:
    value = f"{{column: v, as: number, unit: {{from: {sign}m, to: mm}}}}"
    unit = f"code}}, value: {value}, unit: {{as: constant, value: {sign}m"
    mapping = parse_mapping(MAPPING.replace("RULE", unit))
    table = read_table("a.csv", b"n,v\n1,5010.3\n")
    (outcome,) = (each for each in Translator(mapping).file(table) if each.drafts)
    fields = outcome.drafts[0].fields
    assert (fields["value"], fields["unit"]) == ("5.0103", "um")
