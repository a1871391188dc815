"""An archive is refused from its directory, or while it inflates; nothing in it reaches outside."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import zipfile

import pytest

from medloom.formats.archive import read_members
from medloom.wire.verdict import FileRefused

pytestmark = pytest.mark.pure


def packed(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return out.getvalue()


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(FileRefused) as found:
        list(read_members(data, **limits))
    assert found.value.refusal.expected
    return found.value.refusal.code


def told(data: bytes, *, real_bytes: int, told_bytes: int) -> bytes:
    """The same archive, whose headers lie about the inflated size."""
    lying = data.replace(struct.pack("<I", real_bytes), struct.pack("<I", told_bytes))
    assert lying != data
    return lying


def test_an_honest_archive_is_read_in_order() -> None:
    data = packed(("b/", b""), ("b/x.txt", b"1"), ("批.txt", "批".encode()), (r"xl\s.xml", b"<a/>"))
    assert list(read_members(data)) == [("b/x.txt", b"1"), ("批.txt", "批".encode()), ("xl/s.xml", b"<a/>")]


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        r"..\x",
        r"C:\x",
        "a/./x",
        "a//x",
        "...",
        "a/.. /x",
        "a\nb",
        "x\u202ey",
    ],
)
def test_a_name_that_leads_outside_is_refused(name: str) -> None:
    assert refusal(packed((name, b"x"))) == "file_member"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_a_link_or_device_is_refused(kind: int) -> None:
    member = zipfile.ZipInfo("link")
    member.create_system, member.external_attr = 3, (kind | 0o777) << 16
    assert refusal(packed((member, b"/etc/passwd"))) == "file_member"


def test_two_members_of_one_name_are_refused() -> None:
    assert refusal(packed(("a.xml", b"1"), ("A.XML", b"2"))) == "file_member"


def test_sizes_that_lie_are_refused() -> None:
    data = packed(("a", b" " * 3_000_001))
    assert refusal(told(data, real_bytes=3_000_001, told_bytes=1_000)) == "file_inflates"
    assert refusal(told(data, real_bytes=3_000_001, told_bytes=3_000_002)) == "file_broken"
    assert refusal(told(data, real_bytes=3_000_001, told_bytes=65 * 2**20)) == "file_inflates"


def test_content_that_differs_from_its_checksum_is_refused() -> None:
    member = zipfile.ZipInfo("a")
    data = packed((member, b"0123456789abcdef"))
    assert refusal(data.replace(b"abcdef", b"ABCDEF")) == "file_broken"


def test_a_bomb_costs_no_memory() -> None:
    data = packed(("a", b"0" * 99_000_000))
    assert len(data) < 405_000
    tracemalloc.start()
    try:
        assert refusal(data) == "file_inflates"
        assert refusal(told(data, real_bytes=99_000_000, told_bytes=1_000)) == "file_inflates"
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_members_that_share_one_place_are_counted_each() -> None:
    data = packed(("a", b"0" * 900_000), ("b", b"0" * 900_000))
    second = data.rfind(b"PK\x01\x02")
    overlapping = data[: second + 42] + bytes(4) + data[second + 46 :]
    assert refusal(overlapping, inflated_bytes_max=1_000_000) == "file_inflates"


@pytest.mark.parametrize("cut", [0, 3, 40, -1])
def test_a_broken_archive_is_refused(cut: int) -> None:
    assert refusal(packed(("a", b"x" * 1_000))[:cut]) == "file_broken"


def test_too_many_members_are_refused_before_they_are_listed() -> None:
    assert refusal(packed(*((f"{n}", b"") for n in range(30))), members_max=29) == "file_too_large"
