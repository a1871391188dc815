"""Messages over HTTP: what is encoded is decoded, and a signature covers what it says it covers."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.wire import http
from medloom.wire.messages import Answers, Hello, Pull, Refused
from medloom.wire.verdict import Answer, Verdict

pytestmark = pytest.mark.pure

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = {"MOLD": (KEY.public_key().public_bytes_raw(),)}
NOW_S = 1_800_000_000


def signed(request: http.Request, *, now_s: int = NOW_S) -> http.Request:
    headers = http.sign_request(request, key=KEY, key_id="MOLD", now_s=now_s)
    return replace(request, headers={name.lower(): value for name, value in headers.items()})


def refusal(request: http.Request, *, now_s: int = NOW_S) -> str:
    found = http.check_request(request, public_keys=PUBLIC, now_s=now_s)
    return found.code if isinstance(found, Refused) else found


def test_requests_and_replies_come_back_as_they_went() -> None:
    hello = Hello(site="MOLD", epoch="a" * 32)
    assert msgspec.json.decode(http.encode_request(hello).body, type=Hello) == hello
    pull = http.encode_request(Pull("t", "b" * 32, "c", 7, 500))
    assert (pull.method, pull.token) == ("GET", "t")
    assert pull.target == f"/sync/pull?hub={'b' * 32}&feed=c&after=7&limit=500"
    answers = Answers((Answer("x", Verdict.ACCEPTED, seq=3),), 5)
    status, headers, body = http.encode_reply(answers)
    assert status == 200 and http.decode_reply(headers[http.REPLY_HEADER], body) == answers
    status, headers, body = http.encode_reply(Refused("fenced", 409))
    assert status == 409 and http.decode_reply("refused", body) == Refused("fenced", 409)


@pytest.mark.parametrize(("kind", "body"), [("", b"{}"), ("answers", b"<html>"), ("page", b"[" * 5_000)])
def test_what_is_no_reply_is_unreadable(kind: str, body: bytes) -> None:
    with pytest.raises(http.Unreadable):
        http.decode_reply(kind, body)


def test_a_signed_request_names_its_site() -> None:
    assert refusal(signed(http.push_request(b"body", token="t"))) == "MOLD"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"body": b"other"}, "digest_differs"),
        ({"target": "/sync/pull"}, "signature_wrong"),
        ({"method": "GET"}, "signature_wrong"),
        ({"token": "other"}, "signature_wrong"),
        ({"headers": {}}, "signature_missing"),
    ],
)
def test_a_changed_request_is_refused(change: dict[str, object], code: str) -> None:
    assert refusal(replace(signed(http.push_request(b"body", token="t")), **change)) == code


def test_an_old_request_is_refused() -> None:
    assert refusal(signed(http.push_request(b"", token="t")), now_s=NOW_S + 301) == "signature_expired"


def test_fewer_signed_parts_are_refused() -> None:
    request = signed(http.push_request(b"", token="t"))
    fewer = {
        **request.headers,
        "signature-input": request.headers["signature-input"].replace('"@method" ', ""),
    }
    assert refusal(replace(request, headers=fewer)) == "signature_parts"


def test_a_foreign_key_is_refused() -> None:
    other = http.sign_request(
        http.push_request(b"", token="t"), key=Ed25519PrivateKey.generate(), key_id="MOLD", now_s=NOW_S
    )
    headers = {name.lower(): value for name, value in other.items()}
    assert refusal(http.Request("POST", http.PUSH, b"", "t", headers)) == "signature_wrong"
