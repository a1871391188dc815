"""A machine's values become statuses and runs; every line has one fate."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import lru_cache

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medloom.agent.declaration import MappingRefused
from medloom.agent.runs import FATES, SETUPS_MAX, TOOLS_MAX, Assembler, Made, Standing
from medloom.agent.signals import Item, Signal, Stream
from medloom.agent.sources.shdr import parse_line
from medloom.agent.tests.machines import mapping, piece, pieces
from medloom.agent.translate import Translator

pytestmark = pytest.mark.pure


@lru_cache
def stream() -> Stream:
    found = mapping().stream
    assert found is not None
    return found


def read(lines: list[bytes], standing: Standing | None = None) -> tuple[list[Made], Counter[str], Standing]:
    assembler = Assembler(stream(), standing or Standing())
    told = (tuple(parse_line(line, conditions=stream().conditions)) for line in lines)
    fates = Counter(assembler.line(signals)[0] for signals in told)
    return assembler.flush(), fates, assembler.standing


def test_a_piece_is_one_run_with_its_highest_speed_and_the_statuses_in_it() -> None:
    made, fates, _ = read(piece(3))
    runs = [each for each in made if "run" in each.row.cells]
    assert [each.row.cells["status"] for each in made if "status" in each.row.cells] == ["active", "stopped"]
    assert len(runs) == 1 and runs[0].row.cells["run"] == "M1/P-03"
    assert runs[0].row.cells["program"] == "P-3.NC"
    assert runs[0].row.cells["speed"] == [{"tool": "", "value": "3000"}, {"tool": "T07", "value": "3000"}]
    assert fates == {"run": 23, "status": 2, "repeated": 1}
    assert sum(each.lines for each in made) == 25


def test_the_run_becomes_a_step_record_with_readings_named_after_the_part() -> None:
    made, _, _ = read(piece(3))
    outcome = Translator(mapping()).row(made[-1].row, fallback="x")
    fields = outcome.drafts[0].fields
    assert [each["name"] for each in fields["parameters"]] == ["P-03-SPEED", "P-03-T07-SPEED"]
    assert fields["started"] == "2026-01-01T03:00:00.500000+00:00"
    assert fields["ended"] == "2026-01-01T03:00:31.500000+00:00"


def test_a_part_that_comes_back_is_another_setup_and_the_same_run_told_again_is_not() -> None:
    later = [line.replace(b"2026-01-01", b"2026-01-05") for line in piece(1)]
    made, _, standing = read(piece(1) + later)
    assert [each.row.cells["run"] for each in made if "run" in each.row.cells] == ["M1/P-01", "M1/P-01-S2"]
    again, _, _ = read(piece(1), standing)
    assert [each.row.cells["run"] for each in again if "run" in each.row.cells] == ["M1/P-01"]


def test_what_is_not_mapped_is_told_once_and_what_is_no_number_each_time() -> None:
    at = b"2026-01-01T00:00:00Z"
    lines = [at + b"|part|P-01", *[at + b"|torque|4"] * 3, at + b"|speed|fast", at + b"|exec|DREAMING"]
    assembler = Assembler(stream(), Standing())
    found = [assembler.line(tuple(parse_line(line))) for line in lines]
    assert [fate for fate, _ in found] == ["run", "refused", "ignored", "ignored", "refused", "refused"]
    assert [r.code for _, r in found if r] == ["stream_item_unknown", "stream_row_wrong", "stream_row_wrong"]


def test_an_alarm_stands_until_it_is_normal_again() -> None:
    at = b"2026-01-01T00:00:0"
    lines = [
        at + b"0Z|exec|READY",
        at + b"1Z|cool|FAULT|C-17||LOW|level low",
        at + b"2Z|cool|FAULT|C-17||LOW|level low",
        at + b"3Z|cool|NORMAL||||",
    ]
    made, fates, _ = read(lines)
    assert [each.row.cells.get("alarm", "") for each in made] == ["", "cool: FAULT C-17 LOW level low", ""]
    assert fates == {"status": 3, "repeated": 1}


def alarms(*conditions: str) -> list[str]:
    """The alarm told after each condition of the coolant, from a machine that is ready."""
    lines = [f"2026-01-01T00:00:{n:02}Z|cool|{text}".encode() for n, text in enumerate(conditions, 1)]
    made, _, _ = read([b"2026-01-01T00:00:00Z|exec|READY", *lines])
    return [each.row.cells.get("alarm", "") for each in made[1:]]


def test_of_two_faults_of_one_condition_each_ends_by_itself() -> None:
    assert alarms("FAULT|17||LOW|level", "WARNING|18||HIGH|heat", "NORMAL|17|||", "NORMAL||||") == [
        "cool: FAULT 17 LOW level",
        "cool: FAULT 17 LOW level; cool: WARNING 18 HIGH heat",
        "cool: WARNING 18 HIGH heat",
        "",
    ]


def test_a_condition_that_is_normal_without_a_code_has_no_fault_left() -> None:
    assert alarms("FAULT|17||LOW|level", "FAULT|18|||", "NORMAL||||")[-1] == ""
    assert alarms("FAULT|17||LOW|level", "FAULT|18|||", "UNAVAILABLE||||")[-1] == ""


def test_a_value_told_late_and_a_clock_set_back_end_no_run_before_it_was_heard() -> None:
    lines = piece(2)
    late = b"2026-01-01T01:00:00Z|speed|1"
    made, _, _ = read([*lines[:10], late, b"2026-01-01T01:30:00Z|part|UNAVAILABLE"])
    (run,) = [each.row.cells for each in made if "run" in each.row.cells]
    assert run["started"] <= run["ended"] == "2026-01-01T02:00:09.500000+00:00"


@pytest.mark.parametrize(
    ("told", "value"),
    [("1.5e-05", "0.000015"), ("2.5E+3", "2500"), ("12.500", "12.500"), ("1e-30", "0.00000000000000000000")],
)
def test_a_number_with_an_exponent_is_written_out_and_digits_are_kept(told: str, value: str) -> None:
    made, _, _ = read([b"2026-01-01T00:00:00Z|part|P-01", f"2026-01-01T00:00:01Z|speed|{told}".encode(),
                       b"2026-01-01T00:00:02Z|part|UNAVAILABLE"])  # fmt: skip
    (run,) = [each.row for each in made if "run" in each.row.cells]
    assert run.cells["speed"][0]["value"] == value
    assert Translator(mapping()).row(run, fallback="x").refusal is None


def test_what_is_remembered_of_a_machine_has_a_limit() -> None:
    """One part again and again, tools without number: the standing is kept with every batch."""
    standing = Standing()
    assembler = Assembler(stream(), standing)
    for n in range(SETUPS_MAX + 50):
        at = f"2026-01-{1 + n // 1440:02}T{n // 60 % 24:02}:{n % 60:02}:00.000000+00:00"
        assembler.line((Signal(at, "part", "P-01"), Signal(at, "tool", str(n))))
        assembler.line((Signal(at, "part", "UNAVAILABLE"),))
    runs = [each.row.cells["run"] for each in assembler.flush() if "run" in each.row.cells]
    assert runs[0] == "M1/P-01" and runs[-1] == f"M1/P-01-S{SETUPS_MAX + 50}" and len(set(runs)) == len(runs)
    assert len(standing.setups["P-01"]) == SETUPS_MAX
    for n in range(TOOLS_MAX + 50):
        at = f"2026-02-01T00:{n // 60:02}:{n % 60:02}.000000+00:00"
        assembler.line((Signal(at, "part", "P-02"), Signal(at, "tool", f"X{n}"), Signal(at, "speed", str(n))))
    assert standing.run is not None and len(standing.run.peaks) <= TOOLS_MAX + 1
    assert standing.run.peaks["speed@"][0] == str(TOOLS_MAX + 49)


def test_runs_without_a_part_are_named_by_their_beginning_and_nothing_is_remembered_of_them() -> None:
    by_state = mapping(**{"ignored: {block": "runs: state\n  ignored: {block"}).stream
    assert by_state is not None
    by_state = msgspec.structs.replace(
        by_state,
        items={**by_state.items, "exec": Item("state", words={"ACTIVE": "active", "DONE": "completed"})},
    )
    standing = Standing()
    assembler = Assembler(by_state, standing)
    for hour in range(3):
        assembler.line((Signal(f"2026-01-01T{hour:02}:00:00.000000+00:00", "exec", "ACTIVE"),))
        assembler.line((Signal(f"2026-01-01T{hour:02}:30:00.000000+00:00", "exec", "DONE"),))
    runs = [each.row.cells["run"] for each in assembler.flush() if "run" in each.row.cells]
    assert runs == [f"M1/2026-01-01T{hour:02}:00:00.000000+00:00" for hour in range(3)]
    assert standing.setups == {}


def test_a_gap_is_a_status_of_its_own_and_marks_the_run_it_falls_into() -> None:
    lines = piece(1)
    assembler = Assembler(stream(), Standing())
    for line in lines[:6]:
        assembler.line(tuple(parse_line(line)))
    assembler.gap("not heard")
    for line in lines[10:]:
        assembler.line(tuple(parse_line(line)))
    made = [each.row.cells for each in assembler.flush()]
    states = [(c["status"], c["since"], c.get("cause", "")) for c in made if "status" in c]
    assert [s[0] for s in states] == ["active", "unknown", "stopped"]
    assert states[1][1:] == ("2026-01-01T01:00:05.500000+00:00", "not heard")
    assert next(c for c in made if "run" in c)["note"] == "not heard"


@given(st.lists(st.integers(0, len(pieces(3)) - 1), max_size=6))
def test_it_does_not_matter_where_reading_stopped_and_went_on(cuts: list[int]) -> None:
    """The standing goes through its kept form at every cut; rows told twice are told alike."""
    lines = pieces(3)
    whole = {each.row.at: each.row.cells for each in read(lines)[0]}
    standing, parts, last = Standing(), {}, 0
    for cut in [*sorted(set(cuts)), len(lines)]:
        made, _, standing = read(lines[last:cut], standing)
        parts |= {each.row.at: each.row.cells for each in made}
        standing, last = msgspec.json.decode(msgspec.json.encode(standing), type=Standing), cut
    assert parts == whole


_ITEM = st.sampled_from(["exec", "avail", "cool", "prog", "part", "tool", "speed", "block", "other"])
_VALUE = st.sampled_from(
    ["", "ACTIVE", "UNAVAILABLE", "Unavailable", "FAULT", "P-01", "7.0", "1e999999", "NaN", "9" * 30]
)


@given(st.lists(st.tuples(st.integers(0, 59), _ITEM, _VALUE), max_size=60))
def test_every_line_has_one_fate_and_no_line_is_counted_twice(told: list[tuple[int, str, str]]) -> None:
    standing = Standing()
    assembler = Assembler(stream(), standing)
    fates: Counter[str] = Counter()
    for second, item, value in told:
        at = f"2026-01-01T00:00:{second:02}.000000+00:00"
        fates[assembler.line((Signal(at, item, value),))[0]] += 1
    made = assembler.flush()
    open_lines = standing.run.lines if standing.run else 0
    assert set(fates) <= set(FATES) and sum(fates.values()) == len(told)
    assert sum(each.lines for each in made) + open_lines == fates["status"] + fates["run"]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("exec: {as: state, words: {ACTIVE: active, FEED_HOLD: interrupted, STOPPED: stopped, READY: ready}}",
         "exec: {as: state}", "$.stream.items.exec"),
        ("{as: measured, what: speed}", "{as: measured}", "$.stream.items.speed"),
        ("match: {stream: true}", "match: {files: [a.txt]}", "$.stream"),
    ],
)  # fmt: skip
def test_a_mapping_that_says_half_is_refused_with_the_place(old: str, new: str, path: str) -> None:
    with pytest.raises(MappingRefused) as refused:
        mapping(**{old: new})
    assert refused.value.path == path


def test_units_of_rotation_feed_and_torque_are_exact() -> None:
    from medloom.agent.units import convert, same_dimension

    assert convert(Decimal("140"), source="[in_i]/min", target="mm/min") == Decimal("3556")
    assert convert(Decimal("1551"), source="rpm", target="/s") == Decimal("25.85")
    assert same_dimension("N.m", "[lbf_av].[in_i]") and not same_dimension("rpm", "N.m")
