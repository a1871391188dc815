"""Cases 37, 38, 39 and 41: hostile files in a plant's folder, through a real agent to a real hub.

Each file stands between two honest ones. What is counted: that every hostile file is one entry on the repair
desk with its code, that every honest row has exactly one entry, and how much memory the agent needed.
"""

from __future__ import annotations

import csv
import io
import json
import re
import stat
import struct
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from medloom.drills.agent import SITE, _count, _drop
from medloom.drills.store import Plant, _plant, _until

MEMORY_MIB_MAX = 64.0
SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = (
    "<!DOCTYPE l [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    + "]><worksheet><sheetData><row r='1'><c r='A1'><v>&a9;</v></c></row></sheetData></worksheet>"
)
OUTSIDE = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><worksheet><v>&a;</v></worksheet>"
#: File name -> bytes, and the code by which it is refused; "" for one that is read.
Files = Mapping[str, tuple[bytes, str]]


@dataclass(frozen=True)
class Dropped:
    """What happened. `wrong`: files without their code; `lost`, `twice`: of honest rows."""

    cases: tuple[int, ...]
    files: int
    bytes_sent: int
    wrong: tuple[str, ...]
    rows: int
    lost: int
    twice: int
    grown_mib: float
    seconds: float

    @property
    def survived(self) -> bool:
        """Every file was told for what it is, no honest row was lost, little memory was used."""
        return not (self.wrong or self.lost or self.twice) and self.grown_mib <= MEMORY_MIB_MAX


def _zip(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return out.getvalue()


def _lying(real: int, told: int) -> bytes:
    data = _zip((SHEET, b" " * real))
    return data.replace(struct.pack("<I", real), struct.pack("<I", told))


def _link() -> bytes:
    member = zipfile.ZipInfo("xl/workbook.xml")
    member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return _zip((member, b"/etc/passwd"))


def _sheet(text: str) -> bytes:
    return _zip(("[Content_Types].xml", b"<Types/>"), (SHEET, text.encode()))


def _csv(rows: list[list[str]], encoding: str) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([["number", "name"], *rows])
    return out.getvalue().encode(encoding)


def bombs() -> Files:
    """37: 99 MB in 100 KB, told by the directory or not; one cell in the last corner."""
    return {
        "told.xlsx": (_zip((SHEET, b"0" * 99_000_000)), "file_inflates"),
        "lying.xlsx": (_lying(99_000_000, 1_000), "file_inflates"),
        "many.xlsx": (_zip(*((f"{n}", b"0" * 3_000_000) for n in range(33))), "file_inflates"),
        "corner.xlsx": (_sheet("<worksheet><c r='XFD1048576'/></worksheet>"), "sheet_too_large"),
    }


def entities() -> Files:
    """38: entities that expand a thousand million times, or name a file of this machine."""
    return {
        "laughs.xlsx": (_sheet(LAUGHS), "file_doctype"),
        "outside.xlsx": (_sheet(OUTSIDE), "file_doctype"),
        "late.xlsx": (_sheet(f"<!--{' ' * 9_000}-->{OUTSIDE}"), "file_doctype"),
    }


def archives() -> Files:
    """39: members that lead outside, a link, sizes that lie either way, a name that comes twice."""
    return {
        "slip.xlsx": (_zip(("../../../tmp/slip.xml", b"<a/>")), "file_member"),
        "absolute.xlsx": (_zip(("/etc/cron.d/x", b"<a/>")), "file_member"),
        "windows.xlsx": (_zip((r"..\..\x.xml", b"<a/>")), "file_member"),
        "link.xlsx": (_link(), "file_member"),
        "twice.xlsx": (_zip((SHEET, b"<a/>"), (SHEET.upper(), b"<b/>")), "file_member"),
        "less.xlsx": (_lying(3_000_001, 2), "file_inflates"),
        "more.xlsx": (_lying(3_000_001, 3_000_002), "file_broken"),
    }


def texts(seed: int) -> Files:
    """41: GBK, marks, line breaks inside a cell; a million columns, an open quote, bytes that are no text."""
    rows = [[f"D41-{seed}-{n}", f"批 {n}\n第二行, 还在同一格"] for n in range(3)]
    wide = b",".join([b"x"] * 1_000_000)
    return {
        **{
            f"{name}.csv": (_csv([[f"{number}-{name}", text] for number, text in rows], encoding), "")
            for name, encoding in (
                ("gbk", "gbk"),
                ("mark", "utf-8-sig"),
                ("wide16", "utf-16"),
                ("utf8", "utf-8"),
            )
        },
        "columns.csv": (wide + b"\n" + wide, "sheet_too_large"),
        "quote.csv": (b'number,name\nA,"open', "file_broken"),
        "bytes.csv": (b"number,name\n\x81\xff\xff\x00", "text_encoding"),
        "binary.csv": (bytes(range(256)), "text_encoding"),
    }


CASES: dict[int, Callable[[int], Files]] = {
    37: lambda seed: bombs(),
    38: lambda seed: entities(),
    39: lambda seed: archives(),
    41: texts,
}


def run_files(*numbers: int, seed: int) -> Dropped:
    """Drop the files of these cases between honest ones, and count. Needs Django on the hub's database."""
    began = time.monotonic()
    with _plant(seed) as plant:
        mapping = plant.folder / "mappings" / "drill.yaml"
        mapping.write_text(mapping.read_text().replace('["drill_*.csv"]', '["drill_*.csv", "evil_*"]'))
        _drop(plant.folder / "files", seed, 0)
        plant.start()
        _until(lambda: _count(seed, 1) == (0, 0), "the first file is told")
        # What reads workbooks and words is loaded with the first of them.
        warm = {"warm.xlsx": (_sheet("<worksheet/>"), "file_broken")}
        _place(plant.folder / "files" / "evil_warm.xlsx", warm["warm.xlsx"][0])
        _until(lambda: not _wrong(warm, seed), "a broken workbook is told")
        before = _peak_mib(plant)
        files = {name: one for number in numbers for name, one in CASES[number](seed).items()}
        for name, (data, _) in files.items():
            _place(plant.folder / "files" / f"evil_{name}", data)
        _drop(plant.folder / "files", seed, 1)
        _until(lambda: not _wrong(files, seed), f"each file is told for what it is: {_wrong(files, seed)}")
        _until(lambda: _count(seed, 2) == (0, 0), "the honest rows are told")
        assert plant.process is not None and plant.process.poll() is None, "the agent goes on"
        grown = _peak_mib(plant) - before
        lost, twice = _count(seed, 2)
        wrong = tuple(_wrong(files, seed))
    return Dropped(
        cases=numbers,
        files=len(files),
        bytes_sent=sum(len(data) for data, _ in files.values()),
        wrong=wrong,
        rows=80,
        lost=lost,
        twice=twice,
        grown_mib=round(grown, 1),
        seconds=round(time.monotonic() - began, 1),
    )


def _place(path: Path, data: bytes) -> None:
    """The file, placed whole."""
    half = path.with_suffix(".part")
    half.write_bytes(data)
    half.rename(path)


def _wrong(files: Files, seed: int) -> list[str]:
    """Files that are not (yet) told for what they are: refused by their code, or read to the last cell."""
    from medloom.kernel.access import seeing
    from medloom.kernel.models import Entry

    with seeing(SITE):
        bodies = list(Entry.objects.filter(site=SITE, type="item").values_list("body", flat=True))
    told = [json.loads(body) for body in bodies]
    wrong = []
    for name, (_, code) in files.items():
        at = f"evil_{name}"
        mine = [one for one in told if at in str(one.get("source", {}).get("at", ""))]
        if code:
            good = len(mine) == 1 and mine[0]["raw"]["code"] == code
        else:
            stem = Path(name).stem
            found = {
                one["fields"].get("number"): one["fields"].get("name") for one in mine if one.get("fields")
            }
            good = len(found) == 3 and all(
                re.fullmatch(r"批 \d\s第二行, 还在同一格", found.get(f"D41-{seed}-{n}-{stem}", ""))
                for n in range(3)
            )
        if not good:
            wrong.append(name)
    return wrong


def _peak_mib(plant: Plant) -> float:
    """The most memory that the agent has held so far."""
    assert plant.process is not None
    text = Path(f"/proc/{plant.process.pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024
