"""Hostile and broken XML: refused with a code and a place, before it costs anything."""

from __future__ import annotations

import resource
import time

import pytest

from medloom.formats.refusing import FormatRefused
from medloom.formats.xml import open_xml, text_at

pytestmark = pytest.mark.pure

LAUGHS = b"""<?xml version="1.0"?><!-- a --> <!DOCTYPE lolz [<!ENTITY lol "lol">%s]><lolz>&lol9;</lolz>""" % (
    b"".join(b'<!ENTITY lol%d "%s">' % (n, b"&lol%d;" % (n - 1) * 10) for n in range(1, 10))
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
REMOTE = b'<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd"><x/>'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (LAUGHS, "file_doctype"),
        (OUTSIDE, "file_doctype"),
        (REMOTE, "file_doctype"),
        (b"\xef\xbb\xbf" + OUTSIDE, "file_doctype"),
        (OUTSIDE.decode().encode("utf-16"), "file_doctype"),
        (b"<?xml version='1.0' encoding='EBCDIC-US'?><x/>", "text_encoding"),
        (b"", "file_empty"),
        (b"  \n", "file_empty"),
        (b"<x>&undeclared;</x>", "file_broken"),
        (b"<x><y></x>", "file_broken"),
        (b"<x>\xff</x>", "file_broken"),
        (b"<x>" * 2_000 + b"</x>" * 2_000, "file_broken"),
        (b"<x/>" + b" " * 100, "file_too_large"),
    ],
)
def test_what_is_not_plain_xml_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(FormatRefused) as refused:
        open_xml(data, bytes_max=60 if code == "file_too_large" else 1_000_000)
    assert refused.value.refusal.code == code
    assert refused.value.refusal.expected


def test_a_bomb_costs_neither_time_nor_memory() -> None:
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(FormatRefused):
        open_xml(LAUGHS)
    assert time.process_time() - began < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024


def test_the_place_of_a_break_is_told() -> None:
    with pytest.raises(FormatRefused) as refused:
        open_xml(b"<x>\n <y></z>\n</x>")
    assert refused.value.refusal.path.startswith("/line/2/")


def test_plain_xml_opens_whatever_its_namespace() -> None:
    root = open_xml(b"<?xml version='1.0'?><!-- <!DOCTYPE in words --><a xmlns='urn:x'><b><c> 1 </c></b></a>")
    assert text_at(root, "b/c") == "1"
    assert text_at(root, "b/none") == ""
