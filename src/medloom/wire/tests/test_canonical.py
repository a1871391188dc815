"""Canonical JSON against the reference package, and everything the profile refuses."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from medloom.wire.canonical import Malformed, decode_operation, dumps, encode_operation, loads
from medloom.wire.tests.examples import operation

pytestmark = pytest.mark.pure

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20).map(
    lambda text: unicodedata.normalize("NFC", text)
)
KEY = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=8)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=12,
)


@given(VALUE)
def test_bytes_equal_the_reference_of_rfc_8785(value: Any) -> None:
    raw = dumps(value)
    assert raw == rfc8785.dumps(value)
    assert loads(raw) == value


@given(st.dictionaries(KEY, VALUE, max_size=6))
def test_an_operation_is_canonical_and_comes_back(fields: dict[str, Any]) -> None:
    sent = operation(fields=fields)
    raw = encode_operation(sent)
    assert raw == rfc8785.dumps(json.loads(raw))
    assert decode_operation(raw) == sent


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_malformed(raw: bytes) -> None:
    for read in (loads, decode_operation):
        try:
            read(raw)
        except Malformed as error:
            assert error.code


@given(st.data())
def test_an_altered_byte_is_malformed_or_another_operation(data: st.DataObject) -> None:
    raw = encode_operation(operation())
    at = data.draw(st.integers(0, len(raw) - 1))
    altered = raw[:at] + bytes([data.draw(st.integers(0, 255))]) + raw[at + 1 :]
    try:
        got = decode_operation(altered)
    except Malformed:
        return
    assert (got == operation()) == (altered == raw)


def _with(old: bytes, new: bytes) -> bytes:
    raw = encode_operation(operation())
    assert old in raw
    return raw.replace(old, new)


NESTED = b'{"a":' * 40 + b"1" + b"}" * 40
REFUSED = {
    "not_json": _with(b'"good":120', b'"good":NaN'),
    "not_utf8": _with(b"person-1", b"\xff"),
    "number_float": _with(b'"good":120', b'"good":1.5'),
    "number_too_large": _with(b'"good":120', b'"good":9007199254740992'),
    "duplicate_key": _with(b'"good":120', b'"good":120,"good":120'),
    "not_canonical": _with(b'"good":120', b'"good": 120'),
    "text_nul": _with(b"410.5", b"\\u0000"),
    "text_surrogate": _with(b"410.5", b"\\ud800"),
    "text_not_nfc": _with(b"410.5", "e\u0301".encode()),
    "key_not_ascii": _with(b'"good":120', '"注":120'.encode()),
    "too_deep": _with(b'"good":120', b'"good":' + NESTED),
    "too_large": _with(b"410.5", b"x" * 70_000),
    "bad_time": _with(b"2026-03-04T", b"2026-13-45T"),
    "bad_uuid": _with(b"0197a000-", b"0197g000-"),
    "bad_id": _with(b'"A/0011', b'"A B/0011'),
    "wrong_type": _with(b'"kind":"observe"', b'"kind":"observed"'),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_the_profile_excludes_is_refused_by_its_name(code: str) -> None:
    with pytest.raises(Malformed) as refused:
        decode_operation(REFUSED[code])
    assert refused.value.code == code


@pytest.mark.parametrize("raw", [b"[" * 5_000, b'{"a":' * 5_000, b"9" * 5_000, b"", b"\x00", b"null", b"[]"])
def test_hostile_bytes_never_raise_anything_else(raw: bytes) -> None:
    with pytest.raises(Malformed):
        decode_operation(raw)


@pytest.mark.parametrize("text", [b"1e400", b"-0", b"1E2", b"01", b"1.0", b"Infinity"])
def test_numbers_have_one_form(text: bytes) -> None:
    with pytest.raises(Malformed):
        decode_operation(_with(b'"good":120', b'"good":' + text))


@pytest.mark.parametrize(
    "at", ["2026-02-30T00:00:00Z", "2026-03-04", "0001-01-01T00:00:00Z", "2026-03-04T25:00:00Z"]
)
def test_impossible_times_are_refused(at: str) -> None:
    with pytest.raises(Malformed, match="bad_time"):
        encode_operation(operation(at=at))


def test_the_path_leads_to_the_field() -> None:
    with pytest.raises(Malformed) as refused:
        decode_operation(_with(b'"pressure_kpa":"410.5"', b'"pressure_kpa":"\\u0000"'))
    assert refused.value.path == "/fields/pressure_kpa"
    with pytest.raises(Malformed) as refused:
        decode_operation(_with(b'"feed":"daily"', b'"feed":12'))
    assert refused.value.path == "/source/feed"


def test_fields_of_a_newer_envelope_stay_in_the_bytes() -> None:
    raw = _with(b'"zone":"Asia/Shanghai"}', b'"zone":"Asia/Shanghai","zz_new":"kept"}')
    assert decode_operation(raw) == operation()
