"""Who takes gzip gets it, for files and data, and what must not be compressed is not."""

from __future__ import annotations

import gzip

import pytest

from medloom.interfaces.compression import Shelf, may_shrink, shrunk, takes_gzip

pytestmark = pytest.mark.pure
TEXT = ("content-type", "text/css; charset=utf-8")


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP;q=0.3, br", True),
        ("br, *", True),
        ("gzip;q=0", False),
        ("*, gzip;q=0.000", False),
        ("identity", False),
        ("gzip;q=", True),
    ],
)
def test_who_takes_gzip(accept: str, takes: bool) -> None:
    assert takes_gzip(accept) is takes


def test_what_may_be_compressed() -> None:
    assert may_shrink("/static/a.css", 200, [TEXT, ("etag", '"1"')])
    assert not may_shrink("/static/a.css", 206, [TEXT])
    assert not may_shrink("/static/a.woff2", 200, [("content-type", "font/woff2")])
    assert not may_shrink("/lots/", 200, [("content-type", "text/html")]), "pages hold a secret"
    assert may_shrink("/api/v1/lot", 200, [("content-type", "application/json")])
    assert not may_shrink("/api/v1/lot/A", 200, [("content-type", "application/json"), ("etag", '"1"')])
    assert not may_shrink("/sync/pull", 200, [("content-type", "application/json")])


def test_a_file_is_compressed_once_and_the_shelf_stays_small() -> None:
    shelf, whole = Shelf(bytes_most=2_000), bytes(range(256)) * 8
    given = [TEXT, ("etag", '"1"'), ("content-length", str(len(whole)))]
    headers, small = shrunk("/static/a.css", given, whole, shelf)
    assert gzip.decompress(small) == whole
    assert dict(headers) == {
        **dict([TEXT, ("etag", '"1"')]), "content-encoding": "gzip", "content-length": str(len(small)),
    }  # fmt: skip
    assert shrunk("/static/a.css", given, whole, shelf)[1] is small
    for n in range(20):
        shrunk(f"/static/{n}.css", given, whole, shelf)
    assert shrunk("/static/a.css", given, whole, shelf)[1] is not small, "it was given up for newer ones"
