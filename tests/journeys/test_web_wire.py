"""The web process as it is run, asked over sockets: what clients, proxies and crawlers really send.

Every answer here came from the command of `medloom up`. What the server itself refuses (a broken request
line, headers too large) has no body; what reaches us is a problem with a code.
"""

from __future__ import annotations

import gzip
import http.client
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from medloom.interfaces.sync import BYTES_MAX
from medloom.materials.models import Lot
from tests.browser.network import build, found
from tests.journeys.calling import program
from tests.web_process import serving

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
JSON = "Content-Type: application/json\r\n"
FILE = "/static/medloom/app.css"
WAIT_S = 60


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker) -> Iterator[str]:
    """One web process for all of these; each test builds what it needs in its database."""
    with django_db_blocker.unblock(), serving() as found_at:
        yield found_at


def link(address: str) -> socket.socket:
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=WAIT_S)


def said(address: str, *parts: str | bytes, pause_s: float = 0.0) -> bytes:
    """What the server answers to these bytes until it closes."""
    got = b""
    with link(address) as line:
        for part in parts:
            line.sendall(part if isinstance(part, bytes) else part.encode("latin-1"))
            time.sleep(pause_s)
        while more := line.recv(65_536):
            got += more
    return got


def ask(address: str, method: str, path: str, body: object = None, **headers: str) -> tuple:
    """(status, headers in small letters, body) by the standard client."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WAIT_S)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)  # type: ignore[arg-type]
    answer = connection.getresponse()
    whole = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, whole


def test_request_lines_and_headers(address: str) -> None:
    host, end = "Host: 127.0.0.1\r\n", "Connection: close\r\n\r\n"
    many = "".join(f"X{n}: y\r\n" for n in range(300))
    asked = {
        "GET /health/ HTTP/1.1\r\nhOsT: 127.0.0.1\r\n" + end: 200,
        "GET /health/ HTTP/1.0\r\n\r\n": 200,
        f"GET {address}/health/ HTTP/1.1\r\n{host}{end}": 200,
        f"GET /api/v1/me HTTP/1.1\r\n{end}": 400,
        f"GET /api/v1/me HTTP/1.1\r\n{host}aUTHORIZATION: bEARER medloom_x_y\r\n{end}": 401,
        f"GET /api/v1/me HTTP/1.1\r\n{host}Authorization: Bearer \xe9\r\n{end}": 401,
        f"GET /api/v1/{'a' * 20_000} HTTP/1.1\r\n{host}{end}": 401,
        f"GET /api/v1/%ff%00 HTTP/1.1\r\n{host}{end}": 401,
        f"BREW /api/v1/me HTTP/1.1\r\n{host}{end}": 401,
        f"GET /{'a' * 200_000} HTTP/1.1\r\n{host}{end}": 414,
        f"GET / HTTP/1.1\r\n{host}{many}{end}": 431,
        f"POST /api/v1/lot HTTP/1.1\r\n{host}Content-Length: 2\r\nContent-Length: 5\r\n\r\n{{}}": 400,
        f"POST /api/v1/lot HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n": 400,
        "GARBAGE\r\n\r\n": 400,
        "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n": 400,
    }
    for line, status in asked.items():
        got = said(address, line)
        assert got.split(b" ", 2)[1] == str(status).encode(), (line[:120], got[:300])
        if status == 401:
            assert b'"code":"token_' in got and b"application/problem+json" in got


def test_bodies_however_they_are_framed(address: str, transactional_db: None) -> None:
    build()
    start = f"POST /api/v1/lot HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {program('lin').text}\r\n{JSON}"
    whole = [
        json.dumps({"fields": {"number": f"W-{n}", "item": "10001", "kind": "material"}}) for n in range(4)
    ]
    halves = [f"{len(part):x}\r\n{part}\r\n" for part in (whole[0][:9], whole[0][9:])]
    chunked = start + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 201 Created" in said(address, chunked, *halves, "0\r\n\r\n", pause_s=0.05)
    wait = start + f"Connection: close\r\nContent-Length: {len(whole[1])}\r\nExpect: 100-continue\r\n\r\n"
    got = said(address, wait, whole[1], pause_s=0.3)
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created")
    both = [start + f"Content-Length: {len(whole[2])}\r\n\r\n{whole[2]}"]
    both.append("GET /health/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    got = said(address, "".join(both))  # two requests in one packet
    assert got.index(b"HTTP/1.1 201") < got.index(b"HTTP/1.1 200"), got
    assert [found(Lot, f"W-{n}").key for n in range(3)] == ["W-0", "W-1", "W-2"]
    # a second request hidden behind both lengths is never one
    hidden = start + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    got = said(address, hidden + "GET /health/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b" 400 " in got and b" 200 " not in got
    assert b" 411 " in said(address, start + "Connection: close\r\n\r\n")


def test_too_large_is_refused_before_it_is_sent(address: str) -> None:
    start = f"POST /epcis/capture HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n{JSON}"
    got = said(address, start + "Content-Length: 99999999999\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 413 ") and b"application/problem+json" in got
    got = said(address, "POST /sync/push HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 413 ") and b"medloom-message: Refused" in got
    part = b"x" * 65_536
    with link(address) as line:
        line.sendall(b"POST /api/v1/lot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        while sent <= BYTES_MAX:
            line.sendall(b"10000\r\n" + part + b"\r\n")
            sent += len(part)
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


def test_one_line_serves_many_requests(address: str) -> None:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WAIT_S)
    connection.connect()
    kept = connection.sock
    for method, path, status in (
        ("GET", "/health/", 200), ("HEAD", "/health/", 200), ("GET", FILE, 200),
        ("POST", "/api/v1/lot", 401), ("OPTIONS", "/epcis/events", 204),
    ):  # fmt: skip
        connection.request(method, path, b"{}" if method == "POST" else None)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (status, method in ("GET", "POST")), path
        assert connection.sock is kept, f"{path} closed the line"
    connection.close()


def test_files_small_and_asked_for_again(address: str) -> None:
    status, plain, whole = ask(address, "GET", FILE)
    assert (status, int(plain["content-length"])) == (200, len(whole))
    status, told, small = ask(address, "GET", FILE, Accept_Encoding="br;q=1, gzip;q=0.5")
    assert (status, told["content-encoding"], told["vary"]) == (200, "gzip", "Accept-Encoding")
    assert gzip.decompress(small) == whole and len(small) < len(whole) / 2
    assert "content-encoding" not in ask(address, "GET", FILE, Accept_Encoding="gzip;q=0, br")[1]
    status, _, nothing = ask(address, "GET", FILE, If_None_Match=told["etag"], Accept_Encoding="gzip")
    assert (status, nothing) == (304, b"")
    status, part, few = ask(address, "GET", FILE, Range="bytes=2-11", Accept_Encoding="gzip")
    assert (status, part["content-range"], few) == (206, f"bytes 2-11/{len(whole)}", whole[2:12])
    assert ask(address, "GET", FILE, Range=f"bytes={len(whole)}-")[0] == 416
    status, told, nothing = ask(address, "HEAD", FILE)
    assert (status, int(told["content-length"]), nothing) == (200, len(whole), b"")
    status, told, document = ask(address, "GET", "/api/openapi.json", Accept_Encoding="gzip")
    assert (status, told["content-encoding"]) == (200, "gzip")
    assert json.loads(gzip.decompress(document))["openapi"] == "3.1.0"
    assert ask(address, "GET", "/live")[0] == 404, "streams have a process of their own"


def test_clients_that_leave_in_the_middle(address: str, transactional_db: None) -> None:
    build()
    token = program("lin").text
    start = f"POST /api/v1/lot HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{JSON}"
    body = json.dumps({"fields": {"number": "GONE-1", "item": "10001", "kind": "material"}})
    cut = start + f"Content-Length: {len(body)}\r\n\r\n{body[:-3]}"
    for _ in range(12):  # more than there are threads
        with link(address) as line:
            line.sendall(cut.encode())
        with link(address) as line:  # an answer that nobody reads
            line.sendall(f"GET {FILE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    with link(address) as line:
        line.sendall((start + "Transfer-Encoding: chunked\r\n\r\n5\r\n{}").encode())
    with link(address) as line:
        line.sendall(cut.encode())
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100)[:13] in (b"", b"HTTP/1.1 400 ")
    assert ask(address, "GET", "/health/")[0] == 200
    assert not Lot.objects.filter(key="GONE-1").exists(), "half a request was taken for one"


def test_http2_without_asking_first(address: str, transactional_db: None) -> None:
    build()
    assert shutil.which("curl"), "curl speaks HTTP/2"
    body = json.dumps({"fields": {"number": "H2-1", "item": "10001", "kind": "material"}})
    args = ["curl", "-sS", "--http2-prior-knowledge", "-w", " %{http_version} %{http_code}"]
    args += ["-H", f"Authorization: Bearer {program('lin').text}", "-H", "Content-Type: application/json"]
    for more in (["-d", body], ["-H", "Content-Length:", "-d", body.replace("H2-1", "H2-2")]):
        done = subprocess.run([*args, *more, f"{address}/api/v1/lot"], capture_output=True, text=True)
        assert done.stdout.endswith(" 2 201"), (done.stdout, done.stderr)
    done = subprocess.run([*args, "-I", f"{address}/api/v1/me"], capture_output=True, text=True)
    assert done.stdout.endswith(" 2 200"), done.stdout
