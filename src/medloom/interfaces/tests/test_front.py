"""The web process takes a body in before it gives a thread to it, and hands Django what came, no more."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.loops import run_apart

pytestmark = pytest.mark.process  # an event loop needs a socket pair


@pytest.fixture(scope="module")
def rsgi() -> Any:
    kept = gc.get_threshold()
    from medloom import rsgi

    gc.set_threshold(*kept)
    gc.unfreeze()
    return rsgi


class Headers(dict[str, str]):
    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return [(name, value) for name, values in super().items() for value in values.split("|")]


def scope(path: str = "/x", **headers: str) -> Any:
    named = Headers({"host": "hub"} | {name.replace("_", "-"): value for name, value in headers.items()})
    return SimpleNamespace(
        method="POST", path=path, query_string="a=%E6", scheme="https", http_version="1.1", authority=None,
        client="[::1]:4711", server="127.0.0.1:8000", headers=named,
    )  # fmt: skip


class Proto:
    """One request whose body comes in parts, `pause_s` apart; keeps what is answered."""

    def __init__(self, *parts: bytes, pause_s: float = 0.0) -> None:
        self.parts, self.pause_s, self.sent, self.status = parts, pause_s, b"", 0

    async def __aiter__(self) -> Any:
        for part in self.parts:
            await asyncio.sleep(self.pause_s)
            yield part

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.sent = status, body

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Any:
        async def send_bytes(part: bytes) -> None:
            self.sent += part

        self.status = status
        return SimpleNamespace(send_bytes=send_bytes)


def ask(rsgi: Any, given: Any, proto: Proto, answer: Any = None, **options: Any) -> Any:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("X-Y", "z")])
        return answer(environ) if answer else [environ["wsgi.input"].read()]

    front = rsgi.Front(application, threads=1, **options)
    run_apart(front.__rsgi__(given, proto))
    assert front.held_bytes == 0
    front.__rsgi_del__(None)
    return proto


def test_a_body_is_handed_on_whole(rsgi: Any) -> None:
    proto = ask(rsgi, scope(content_length="4"), Proto(b"ab", b"cd"))
    assert (proto.status, proto.sent) == (200, b"abcd")


def test_a_body_of_unknown_length_is_taken_whole(rsgi: Any) -> None:
    proto = ask(rsgi, scope(transfer_encoding="chunked"), Proto(b"ab", b"cd"))
    assert (proto.status, proto.sent) == (200, b"abcd")
    told = scope()
    told.http_version = "2"
    assert ask(rsgi, told, Proto(b"ab")).sent == b"ab"
    told.headers = Headers()
    told.http_version = "1.1"
    assert ask(rsgi, told, Proto()).status == 400, "HTTP/1.1 names its Host"


def test_a_long_answer_is_streamed_and_closed(rsgi: Any) -> None:
    closed = []

    class Answer:
        def __iter__(self) -> Any:
            yield from [b"x" * 200_000] * 5

        def close(self) -> None:
            closed.append(True)

    proto = ask(rsgi, scope(), Proto(), lambda _: Answer())
    assert (proto.status, len(proto.sent), closed) == (200, 1_000_000, [True])


@pytest.mark.parametrize(
    ("given", "proto", "status", "code"),
    [
        (scope("/sync/push", content_length="4194305"), Proto(), 413, "push_too_large"),
        (scope(content_length="9" * 5_000), Proto(), 413, "push_too_large"),
        (scope(content_length="-1"), Proto(), 413, "push_too_large"),
        (scope("/api/v1/x", transfer_encoding="chunked"), Proto(b"x" * 4_194_305), 413, "push_too_large"),
        (scope(content_length="9"), Proto(b"ab"), 400, "message_wrong"),
        (scope(content_length="9"), Proto(*[b"x"] * 9, pause_s=0.1), 408, "request_too_slow"),
    ],
)
def test_what_is_not_taken_in(rsgi: Any, given: Any, proto: Proto, status: int, code: str) -> None:
    ask(rsgi, given, proto, grace_s=0.3)
    assert (proto.status, msgspec.json.decode(proto.sent)["code"]) == (status, code)


def test_too_much_at_once_is_asked_to_come_again(rsgi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rsgi, "HELD_BYTES_MAX", 3)
    assert ask(rsgi, scope(content_length="4"), Proto(b"abcd")).status == 503


def test_an_application_that_fails_is_a_503_that_tells_nothing(rsgi: Any) -> None:
    def broken(environ: dict[str, Any]) -> Any:
        raise RuntimeError("password=hunter2")

    proto = ask(rsgi, scope(), Proto(), broken)
    assert proto.status == 503 and b"hunter2" not in proto.sent


def test_headers_become_what_django_reads(rsgi: Any) -> None:
    given = scope("/批", cookie="a=1|b=2", x_forwarded_for="1.2.3.4|5.6.7.8", content_type="text/plain")
    dict.__setitem__(given.headers, "x_signature", "forged")
    found = rsgi.environment(given, b"")
    assert found["PATH_INFO"].encode("latin-1").decode() == "/批"
    assert found["HTTP_COOKIE"] == "a=1; b=2" and found["HTTP_X_FORWARDED_FOR"] == "1.2.3.4,5.6.7.8"
    assert (found["REMOTE_ADDR"], found["CONTENT_TYPE"]) == ("::1", "text/plain")
    assert "forged" not in found.values()
