"""Lines of an adapter: what is sound is read, what is not is refused with its bytes; nothing else happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medloom.agent.signals import Signal
from medloom.agent.sources.shdr import (
    LINE_BYTES_MAX,
    MULTILINE_LINES_MAX,
    LineRefused,
    line_end,
    moment,
    parse_line,
)

pytestmark = pytest.mark.pure

AT = "2017-02-01T13:59:35.093750+00:00"
STAMP = "2017-02-01T13:59:35.0937500Z"


def test_one_line_tells_one_value_or_many() -> None:
    assert parse_line(f"{STAMP}|Block_Number|12\r\n".encode()) == [Signal(AT, "Block_Number", "12")]
    many = parse_line(f"{STAMP}|EStop_State|ARMED|Program_Name_Running| |avail|AVAILABLE".encode())
    assert [(each.item, each.value) for each in many] == [
        ("EStop_State", "ARMED"),
        ("Program_Name_Running", ""),
        ("avail", "AVAILABLE"),
    ]


@pytest.mark.parametrize("word", ["UNAVAILABLE", "Unavailable"])
def test_unavailable_is_one_word_in_both_spellings(word: str) -> None:
    (signal,) = parse_line(f"{STAMP}|Ctravel|{word}||||".encode())
    assert not signal.known and signal.more == ("", "", "", "")


def test_a_condition_keeps_its_five_fields_and_what_follows_is_another_item() -> None:
    line = f"{STAMP}|cool|FAULT|C-17||LOW|level low|Feed_Rate|3.5".encode()
    assert parse_line(line, conditions=frozenset({"cool"})) == [
        Signal(AT, "cool", "FAULT", ("C-17", "", "LOW", "level low")),
        Signal(AT, "Feed_Rate", "3.5"),
    ]


@pytest.mark.parametrize(
    ("line", "code", "path"),
    [
        (b"2017", "stream_row_cut", "/line"),
        (b"", "stream_row_cut", "/line"),
        (f"{STAMP}|Feed_Rate".encode(), "stream_row_cut", "/line"),
        (f"{STAMP}|Feed_Rate|1|Spindle".encode(), "stream_row_cut", "/Spindle"),
        (b"2017-02-30T00:00:00Z|a|1", "stream_row_wrong", "/timestamp"),
        (b"yesterday|a|1", "stream_row_wrong", "/timestamp"),
        (f"{STAMP}|a b|1".encode(), "stream_row_wrong", "/line"),
        (f"{STAMP}|a|".encode() + b"\xff\xfe", "stream_row_wrong", "/line"),
    ],
)
def test_what_is_no_line_is_refused_with_its_place(line: bytes, code: str, path: str) -> None:
    with pytest.raises(LineRefused) as refused:
        parse_line(line)
    assert (refused.value.refusal.code, refused.value.refusal.path) == (code, path)


def test_finer_digits_are_cut_and_zones_are_told_in_utc() -> None:
    assert moment("2017-02-01T13:59:35Z") == "2017-02-01T13:59:35.000000+00:00"
    assert moment("2017-02-01T13:59:35.123456789+08:00") == "2017-02-01T05:59:35.123456+00:00"
    assert moment("2017-02-01T13:59:35.5") == "2017-02-01T13:59:35.500000+00:00"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = parse_line(data)
    except LineRefused as refused:
        assert refused.refusal.code.startswith("stream_row")
    else:
        assert found


_FIELD = st.text(st.characters(exclude_characters="|\r\n", exclude_categories=("Cs", "Cc")), max_size=12)


@given(st.lists(_FIELD, max_size=9))
def test_any_fields_behind_a_good_stamp_are_read_or_refused(fields: list[str]) -> None:
    line = "|".join((STAMP, *fields)).encode()
    try:
        found = parse_line(line)
    except LineRefused:
        return
    assert all(each.at == AT and each.item for each in found)


def test_a_mark_at_the_beginning_of_a_file_belongs_to_no_line() -> None:
    assert parse_line(b"\xef\xbb\xbf" + f"{STAMP}|Block_Number|12".encode()) == [
        Signal(AT, "Block_Number", "12")
    ]


def test_an_asset_takes_the_rest_of_its_line_whatever_is_in_it() -> None:
    body = "<CuttingTool>\n<Description>a|b</Description>\n</CuttingTool>"
    line = f"{STAMP}|@ASSET@|T7|CuttingTool|--multiline--0FED\n{body}\n--multiline--0FED".encode()
    assert parse_line(line) == [Signal(AT, "@ASSET@", "T7", ("CuttingTool", body))]
    assert parse_line(f"{STAMP}|@REMOVE_ASSET@|T7".encode()) == [Signal(AT, "@REMOVE_ASSET@", "T7")]


def test_a_bar_inside_a_quoted_value_is_written_with_a_backslash() -> None:
    line = f'{STAMP}|msg|"left\\|right"|say|"as it is"|Feed_Rate|3'.encode()
    assert [(each.item, each.value) for each in parse_line(line)] == [
        ("msg", "left|right"),
        ("say", '"as it is"'),
        ("Feed_Rate", "3"),
    ]


def test_a_text_over_several_lines_is_one_line_once_its_end_is_there() -> None:
    first = f"{STAMP}|@ASSET@|T7|X|--multiline--A1\n".encode()
    whole = first + b"one\n\ntwo\n--multiline--A1\n"
    assert line_end(first + b"one\n") == -1
    assert line_end(whole + b"next|a|1\n") == len(whole)
    assert line_end(b"2017|a|1\n" + whole, 9) == 9 + len(whole)


def test_a_mark_that_never_ends_costs_its_own_line_and_no_other() -> None:
    first = f"{STAMP}|@ASSET@|T7|X|--multiline--A1\n".encode()
    assert line_end(first + b"x\n" * (LINE_BYTES_MAX // 2)) == len(first)
    assert line_end(first + f"{STAMP}|a|1\n".encode() * (MULTILINE_LINES_MAX + 1)) == len(first)
    with pytest.raises(LineRefused) as refused:
        parse_line(first)
    assert refused.value.refusal.code == "stream_row_cut"


@given(
    st.lists(
        st.sampled_from([b"\n", b"a", b"|--multiline--A", b"--multiline--A", b"|", b"\r\n"]), max_size=30
    )
)
def test_lines_cut_anywhere_make_up_the_whole(parts: list[bytes]) -> None:
    data, end, found = b"".join(parts), 0, []
    while (after := line_end(data, end)) > 0:
        found.append(data[end:after])
        end = after
    assert all(line.endswith(b"\n") for line in found)
    assert b"".join(found) + data[end:] == data
