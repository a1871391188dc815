"""XML is opened strictly: what could expand, reach outside or exhaust the machine is refused."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from medloom.formats.markup import parse_xml
from medloom.wire.verdict import FileRefused

pytestmark = pytest.mark.pure

LAUGHS = (
    "<!DOCTYPE l [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    + "]><l>&a9;</l>"
)
PARAMETERS = "<!DOCTYPE l [<!ENTITY % a SYSTEM 'http://127.0.0.1:9/x.dtd'> %a;]><l/>"


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(FileRefused) as found:
        parse_xml(data, **limits)
    assert found.value.refusal.expected
    return found.value.refusal.code


def test_an_honest_file_keeps_namespaces_texts_and_lines() -> None:
    text = (
        '<?xml version="1.0" encoding="{}"?>\n'
        '<q:Plan xmlns:q="urn:q">\n <q:Name kind="q:Full">板 7</q:Name></q:Plan>'
    )
    for encoding in ("utf-8", "utf-16", "gb18030"):
        root = parse_xml(text.format(encoding).encode(encoding))
        (name,) = root
        assert (root.tag, name.text, name.sourceline, name.nsmap) == (
            "{urn:q}Plan",
            "板 7",
            3,
            {"q": "urn:q"},
        )
    assert parse_xml(b"\xef\xbb\xbf<a>1 &lt; 2 &#38; 3</a>").text == "1 < 2 & 3"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "gb18030"])
@pytest.mark.parametrize(
    "evil",
    [
        LAUGHS,
        PARAMETERS,
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/a.dtd'><a/>",
        "<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]><a/>",
        "<!DOCTYPE a><a/>",
    ],
)
def test_entities_are_refused_before_they_expand(evil: str, encoding: str) -> None:
    began = time.process_time()
    mark = "" if encoding == "utf-16" else f'<?xml version="1.0" encoding="{encoding}"?>'
    assert refusal((mark + evil).encode(encoding)) == "file_doctype"
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b" \n", "file_empty"),
        (b"<a>", "file_broken"),
        (b"<a/><b/>", "file_broken"),
        (b"<a>&unknown;</a>", "file_broken"),
        (b"<a>\x00</a>", "file_broken"),
        (b"<a>\xff</a>", "file_broken"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "file_broken"),
        (b"\x89PNG", "file_broken"),
        (b"<a>" * 101 + b"</a>" * 101, "file_too_deep"),
        (b"<a " + b" ".join(b"n%d='1'" % n for n in range(300)) + b"/>", "file_too_large"),
    ],
)
def test_broken_and_boundless_files_are_refused(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_the_limits_are_the_callers_to_narrow() -> None:
    assert refusal(b"<a><b/><b/></a>", elements_max=2) == "file_too_large"
    assert refusal(b"<a><b/></a>", depth_max=1) == "file_too_deep"
    assert refusal(b"<a><b/></a>", bytes_max=10) == "file_too_large"


def test_too_many_elements_cost_no_memory() -> None:
    data = b"<a>" + b"<b/>" * 200_000 + b"</a>"
    tracemalloc.start()
    try:
        assert refusal(data, elements_max=100_000) == "file_too_large"
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_instructions_and_inclusions_do_nothing() -> None:
    text = b"""<?xml version="1.0"?><?xml-stylesheet href="http://127.0.0.1:9/"?>
    <a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd" parse="text"/></a>"""
    (included,) = parse_xml(text)
    assert included.text is None and len(included) == 0
