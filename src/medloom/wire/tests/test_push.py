"""A push: what breaks it as a whole, and what only quarantines one line."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from medloom.wire.canonical import encode_operation
from medloom.wire.chain import operations_head, operations_start
from medloom.wire.push import (
    BODY_BYTES_MAX,
    OPERATIONS_MAX,
    PushBroken,
    build_push,
    check_signature,
    parse_push,
    split_push,
)
from medloom.wire.tests.examples import EPOCH, operation

pytestmark = pytest.mark.pure
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
START = operations_start(site="A", epoch=EPOCH, chain="v")


def body(*raws: bytes, first: int = 1) -> bytes:
    return build_push(site="A", epoch=EPOCH, chain="v", first=first, before=START, raws=raws, key=KEY)


RAWS = [encode_operation(operation(number=n)) for n in (1, 2, 3)]


def test_lines_come_back_byte_for_byte_under_one_signature() -> None:
    push = parse_push(body(*RAWS))
    assert [line.raw for line in push.lines] == RAWS
    assert [line.number for line in push.lines] == [1, 2, 3]
    assert [line.operation for line in push.lines] == [operation(number=n) for n in (1, 2, 3)]
    assert check_signature(push.header, PUBLIC)
    head = operations_head(START, first=1, hashes=[line.hash for line in push.lines])
    assert head.hex() == push.header.head


def test_an_altered_line_leaves_the_signature_but_not_the_chain() -> None:
    push = parse_push(body(*RAWS).replace(b"410.5", b"410.6", 1))
    assert check_signature(push.header, PUBLIC)
    head = operations_head(START, first=1, hashes=[line.hash for line in push.lines])
    assert head.hex() != push.header.head


def test_an_altered_header_loses_the_signature() -> None:
    push = parse_push(body(*RAWS).replace(b'"first":1', b'"first":2', 1))
    assert not check_signature(push.header, PUBLIC)
    assert not check_signature(parse_push(body(*RAWS)).header, b"p" * 32)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "not_json"),
        (b"\xff\xfe", "not_utf8"),
        (b'{"good":NaN}', "not_json"),
        (b"[" * 1_000, "too_deep"),
        (b'{"a":' + b"7" * 5_000 + b"}", "number_too_large"),
        (encode_operation(operation(number=9)), "id_differs"),
        (b'"' + b"x" * 70_000 + b'"', "too_large"),
    ],
)
def test_a_bad_line_is_data_and_its_neighbours_stand(line: bytes, code: str) -> None:
    push = parse_push(body(RAWS[0], line, RAWS[2]))
    assert push.lines[1].malformed is not None
    assert push.lines[1].malformed.code == code
    assert push.lines[1].raw == line
    assert push.lines[0].operation == operation(number=1)
    assert push.lines[2].operation == operation(number=3)


def test_a_broken_whole_is_refused_with_its_status() -> None:
    good = body(*RAWS)
    for broken, status in (
        (b"", 400),
        (b"{}\n", 400),
        (good.replace(b'"count":3', b'"count":4', 1), 400),
        (good.replace(b'"count":3', b'"count":0', 1), 400),
        (good.replace(b'"first":1', b'"first":0', 1), 400),
        (good.replace(b'"chain":"v"', b'"chain":"x"', 1), 400),
        (good.replace(b'"head":"', b'"head":"zz', 1), 400),
        (b"x" * (BODY_BYTES_MAX + 1), 413),
        (good.replace(b'"count":3', b'"count":%d' % (OPERATIONS_MAX + 1), 1), 413),
    ):
        with pytest.raises(PushBroken) as refused:
            parse_push(broken)
        assert refused.value.status == status


@given(st.binary(max_size=300))
def test_any_body_is_a_push_or_broken(raw: bytes) -> None:
    with pytest.raises(PushBroken):
        parse_push(raw)


def test_a_backlog_is_cut_to_the_limits() -> None:
    raws = [b"x" * 700] * 4_100 + [b"y" * 60_000] * 100
    parts = split_push(raws)
    assert [raw for part in parts for raw in part] == raws
    assert all(len(part) <= OPERATIONS_MAX and sum(map(len, part)) < BODY_BYTES_MAX for part in parts)
    assert split_push([]) == []
