"""Proposals, exports and hints: what is said to a person or a program, without a database."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest
from django.utils.translation import override

from medloom.derive import codes
from medloom.design.models import Equipment
from medloom.interfaces.live import NAMED_MOST, hint_for, line
from medloom.interfaces.web.columns import Column, choice_word, columns_of, domain_words, idle_free
from medloom.interfaces.web.export import neutral, workbook
from medloom.interfaces.web.proposals import propose
from medloom.interfaces.web.telling import alert_words
from medloom.interfaces.web.viewer import in_language
from medloom.interfaces.web.views.overview import freshness
from medloom.interfaces.web.words import CAUSES, STATES, cause_of, state_word
from medloom.kernel.entity import catalogue, declare
from medloom.production.models import StepRecord

pytestmark = pytest.mark.pure

NOW = dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("model", "name", "value", "expected"),
    [
        (StepRecord, "day", "2026/11/3", "2026-11-03"),
        (StepRecord, "day", "2026年11月3日", "2026-11-03"),
        (StepRecord, "day", "2026-11-03T00:00:00", "2026-11-03"),
        (StepRecord, "day", "00:00.0", None),
        (StepRecord, "day", "31.11.2026", None),
        (StepRecord, "shots", "10.0", 10),
        (StepRecord, "shots", "1,200", 1200),
        (StepRecord, "shots", "10.5", None),
        (StepRecord, "shots", "-3", None),
        (Equipment, "tonnage", "120", "120.0 t"),
        (Equipment, "tonnage", "120.55", None),
        (Equipment, "kind", "Machine", "machine"),
        (Equipment, "kind", "moulds", "mould"),
        (Equipment, "kind", "robot", None),
        (Equipment, "number", " M01\u200b", "M01"),
    ],
)
def test_a_proposal_reads_anew_and_never_invents(model, name, value, expected) -> None:
    found = propose(declare(model).fields[name], value)
    assert (found.value if found else None) == expected


def test_what_is_right_already_gets_no_proposal() -> None:
    assert propose(declare(StepRecord).fields["day"], "2026-11-03") is None


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_exported_cell_is_a_formula(text: str) -> None:
    assert neutral(text) == f"'{text}"
    book = workbook(title="t", head=["a"], rows=[[text], [5], ["WO-1"]], about=[("q", text)])
    cells = list(openpyxl.load_workbook(io.BytesIO(book)).worksheets[0].values)
    assert cells == [("a",), (f"'{text}" if text != "\rx" else cells[1][0],), (5,), ("WO-1",)]
    assert not str(cells[1][0]).startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    ("hours", "promise", "state"),
    [
        (0, "PT1H", "fresh"),
        (1, "PT1H", "fresh"),
        (2, "PT1H", "late"),
        (3, "PT1H", "stale"),
        (30, "P1D", "late"),
    ],
)
def test_freshness_follows_the_promise(hours: int, promise: str, state: str) -> None:
    assert freshness(NOW - dt.timedelta(hours=hours), promise, NOW) == state


def test_a_feed_never_heard_of_has_no_freshness() -> None:
    assert freshness(None, "P1D", NOW) == ""


def _row(index: int, **more: object) -> dict[str, object]:
    found = {"index": index, "type": "lot", "object": f"o{index}", "site": "A", "verdict": "accepted"}
    return {**found, "sites": ["A", "HQ"], **more}


def test_a_hint_goes_only_to_whom_the_entry_was_routed() -> None:
    rows = [_row(1), _row(2, sites=["B"], site="B")]
    assert [m["object"] for m in hint_for("A", rows, 3)["moved"]] == ["o1"]
    assert len(hint_for("HQ", rows, 3)["moved"]) == 2
    assert hint_for("C", rows, 3) is None


def test_a_hint_names_each_object_once_and_stays_small() -> None:
    assert len(hint_for("A", [_row(1), _row(1)], 2)["moved"]) == 1
    many = hint_for("A", [_row(n) for n in range(NAMED_MOST + 5)], 9)
    assert (len(many["moved"]), many["many"]) == (NAMED_MOST, True)


def test_a_server_sent_event_is_one_block() -> None:
    assert line("moved", {"many": False}) == b'event: moved\ndata: {"many":false}\n\n'


def test_every_state_of_every_lifecycle_has_a_word() -> None:
    missing = [
        state
        for declared in catalogue().values()
        if declared.facts.lifecycle
        for state in declared.facts.lifecycle.states
        if state not in STATES
    ]
    assert missing == []


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert state_word("nova").label == "nova"
    assert choice_word(Column("s", "S", "state"), "nova").label == "nova"
    assert "stale" in CAUSES


def test_columns_come_from_the_declaration() -> None:
    known = columns_of(catalogue()["work_order"])
    assert list(known)[:3] == ["key", "site", "state"]
    assert known["quantity"].number
    assert known["resin_quantity"].unit == "kg"
    assert [domain_words(f) for f in catalogue()["work_order"].fields.values()]
    assert idle_free("12.500") == "12.5"


def test_every_code_of_values_and_rooms_is_told_in_words() -> None:
    judged = {**codes.VALUES, **codes.ROOMS, **codes.SCOPES, **codes.BYTES, **codes.JUDGED}
    assert [code for code in judged if str(cause_of(code).label) == code] == []


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("11 of 20 rows", "20 行中有 11 行"),
        ("3.4 x the promised time", "为承诺时限的 3.4 倍"),
        ("2 older than 24 hours", "2 项超过 24 小时"),
        ("uniqueness 71.0: 29 of 100", "唯一性 71.0: 29 / 100"),
        ("column_new Colour, missing_share lot", "Colour: 新增列, lot: 缺失值增多"),
        ("something else", "something else"),
    ],
)
def test_what_an_alert_found_is_told_in_the_readers_language(detail: str, expected: str) -> None:
    with override("zh-hans"):
        assert alert_words(detail) == expected


@pytest.mark.parametrize(
    ("name", "chinese", "english"),
    [
        (
            "注塑工厂（生成数据） · Moulding plant (generated)",
            "注塑工厂（生成数据）",
            "Moulding plant (generated)",
        ),
        ("Penang Example Machining", "Penang Example Machining", "Penang Example Machining"),
        ("苏州示例 · 二厂", "苏州示例 · 二厂", "苏州示例 · 二厂"),
    ],
)
def test_a_plant_is_named_in_the_readers_language(name: str, chinese: str, english: str) -> None:
    assert (in_language(name, "zh-hans"), in_language(name, "en")) == (chinese, english)
