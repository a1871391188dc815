"""Files of every format are read the same; broken and hostile ones are refused with their reason."""

from __future__ import annotations

import datetime as dt
import tracemalloc

import pytest

from medloom.agent.sources.archive import INFLATED_BYTES_MAX
from medloom.agent.sources.tables import read_table
from medloom.agent.tests.files import understated, xls, xlsx, zipped
from medloom.formats.cells import Unreadable

pytestmark = pytest.mark.pure

ROWS = [["批号", "数量", "day"], ["712 4 889", 10045, dt.date(2018, 11, 1)]]


def refusal(name: str, data: bytes) -> str:
    found = read_table(name, data).refusal
    assert found is not None and found.expected
    return found.code


def test_xlsx_and_xls_give_the_same_cells() -> None:
    style = [["批号", "数量"], ["712 4 889", 10045]]
    assert read_table("a.xlsx", xlsx(style)).sheets == {"Sheet1": [["批号", "数量"], ["712 4 889", 10045.0]]}
    assert read_table("a.xls", xls(style)).sheets == read_table("a.xlsx", xlsx(style)).sheets


def test_a_date_cell_is_a_date() -> None:
    (_, row) = read_table("a.xlsx", xlsx(ROWS)).sheets["Sheet1"]
    assert row[2] == dt.date(2018, 11, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_csv_in_every_encoding(encoding: str) -> None:
    text = '批号,数量\r\n"带\n换行",5\r\n'
    assert read_table("a.csv", text.encode(encoding)).sheets == {"csv": [["批号", "数量"], ["带\n换行", "5"]]}


def test_csv_separators() -> None:
    assert read_table("a.csv", b"a;b\n1,5;2\n").sheets == {"csv": [["a", "b"], ["1,5", "2"]]}
    assert read_table("a.csv", b"a\tb\n1\t2\n").sheets == {"csv": [["a", "b"], ["1", "2"]]}


def test_digest_is_of_the_whole_file() -> None:
    data = xlsx(ROWS)
    assert read_table("a.xlsx", data).digest == read_table("b.xlsx", data).digest
    assert len(read_table("a.xlsx", data).digest) == 64


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.xlsx", xlsx(ROWS)[:2000], "file_broken"),
        ("a.xls", xls(ROWS)[:600], "file_broken"),
        ("a.xlsx", b"hello", "file_broken"),
        ("a.xlsx", b"", "file_empty"),
        ("a.pdf", b"%PDF", "file_format"),
        ("a.csv", b"\x81\xff\xff\x00", "text_encoding"),
        ("a.csv", b"a,b\x00", "text_encoding"),
        ("a.csv", b'a,"b', "file_broken"),
        ("a.csv", b"," * 5_000, "sheet_too_large"),
        ("a.xlsx", zipped({"[Content_Types].xml": b"<x/>"}), "file_broken"),
    ],
)
def test_broken_files_are_refused(name: str, data: bytes, code: str) -> None:
    assert refusal(name, data) == code


def test_a_bomb_is_refused_from_the_directory() -> None:
    data = zipped({"xl/worksheets/sheet1.xml": b" " * (INFLATED_BYTES_MAX + 1)})
    assert len(data) < 200_000
    assert refusal("a.xlsx", data) == "file_inflates"


def test_a_lying_directory_is_refused_while_inflating() -> None:
    data = zipped({"xl/worksheets/sheet1.xml": b" " * 3_000_001})
    lying = understated(data, real_bytes=3_000_001, told_bytes=1_000)
    assert lying != data
    assert refusal("a.xlsx", lying) == "file_inflates"


def test_one_cell_in_the_last_corner_is_refused() -> None:
    sheet = (
        b'<worksheet><sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    assert refusal("a.xlsx", zipped({"xl/worksheets/sheet1.xml": sheet})) == "sheet_too_large"


def test_entities_are_refused() -> None:
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    assert refusal("a.xlsx", zipped({"xl/worksheets/sheet1.xml": evil})) == "file_doctype"


@pytest.mark.parametrize(
    "sheet",
    [
        b"<row r='1048576'><c r='XFD1048576'/></row>",
        b'<row><c\tr\n=\n"XFD1048576"/></row>',
        b'<x:row><x:c q=">" r="XFD1048576"/></x:row>',
        b'<row r="1048576"><c/></row>',
        b"<row>" + b"<c/>" * 1_001 + b"</row>",
        b"<row>" + b"<c/>" * 900 + b"</row>" + b"<row/>" * 5_000,
    ],
)
def test_a_far_cell_is_found_however_it_is_written(sheet: bytes) -> None:
    whole = b"<worksheet><sheetData>" + sheet + b"</sheetData></worksheet>"
    assert refusal("a.xlsx", zipped({"xl/worksheets/sheet1.xml": whole})) == "sheet_too_large"


@pytest.mark.parametrize("place", [b"&#88;FD1048576", b"xfd1048576", b"", b"R1C1"])
def test_a_cell_whose_place_cannot_be_read_is_refused(place: bytes) -> None:
    sheet = b'<worksheet><row><c r="' + place + b'"/></row></worksheet>'
    assert refusal("a.xlsx", zipped({"xl/worksheets/sheet1.xml": sheet})) == "file_broken"
    wide = sheet.decode().encode("utf-16")
    assert refusal("a.xlsx", zipped({"xl\\worksheets\\sheet1.xml": wide})) == "file_broken"


def test_a_million_columns_cost_little() -> None:
    data = b",".join([b"x"] * 1_000_000)
    tracemalloc.start()
    try:
        assert refusal("a.csv", data + b"\n1,2\n") == "sheet_too_large"
        assert refusal("a.csv", b'"a\nb",' + data) == "sheet_too_large"
        assert tracemalloc.get_traced_memory()[1] < 24_000_000
    finally:
        tracemalloc.stop()


def test_separators_inside_quotes_are_words() -> None:
    words = "a,b" * 2_000
    sheets = read_table("a.csv", f'x,y\n"{words}\n{words} ""z""",2\n'.encode()).sheets
    assert sheets == {"csv": [["x", "y"], [f'{words}\n{words} "z"', "2"]]}


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def links(*named: tuple[str, str]) -> str:
    """The file that says which part is what."""
    each = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/{kind}" Target="{part}"/>'
        for n, (kind, part) in enumerate(named)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{each}</Relationships>'


def workbook(*rows: str, texts: str = "") -> bytes:
    """A workbook of two sheets, written by hand: the second, `Data`, has these rows."""
    first, second = (
        f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(("Cover", "Data"))
    )
    sheets = f"<sheets>{first}{second}</sheets>"
    parts = (("worksheet", "worksheets/sheet9.xml"), ("worksheet", "/xl/worksheets/sheet1.xml"))
    data = "".join(rows)
    members = {
        "_rels/.rels": links(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": links(*parts, ("sharedStrings", "sharedStrings.xml")),
        "xl/worksheets/sheet9.xml": f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{texts}</sst>',
    }
    return zipped({name: text.encode() for name, text in members.items()})


def test_errors_and_formulas_that_nobody_computed_are_not_empty() -> None:
    data = workbook(
        '<row r="1"><c r="A1"><v>1</v></c><c r="B1" t="e"><v>#DIV/0!</v></c>',
        '<c r="C1" t="e"><v>#N/A</v></c></row>',
        '<row r="2"><c r="A2"><f>A1+1</f><v>2</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>',
        '<row r="3"><c r="A3"><f>A1+1</f><v></v></c><c r="B3"><f t="shared" si="0"/></c></row>',
    )
    sheets = read_table("a.xlsx", data).sheets
    assert sheets["Cover"] == []
    assert sheets["Data"][:2] == [
        [1.0, Unreadable("cell_error", "a value", "#DIV/0!"), "#N/A"],
        [2.0, "", ""],
    ]
    assert [cell.got for cell in sheets["Data"][2] if isinstance(cell, Unreadable)] == ["=A1+1", "="]


def test_a_row_with_an_error_in_a_mapped_cell_is_refused_and_its_neighbours_are_read() -> None:
    from medloom.agent.declaration import parse_mapping
    from medloom.agent.translate import Translator

    mapping = parse_mapping(
        "feed: f\nmatch: {files: [a.xlsx], sheet: Data}\nrecords:\n  - type: step_record\n    kind: observe\n"
        "    key: [no]\n    fields: {number: {column: no, as: code}, total: {column: total, as: integer}}\n"
    )
    told = "<si><t>no</t></si><si><t>total</t></si>"
    head = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    rows = [
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"{cell}</c></row>'
        for n, cell in ((2, "><v>5</v>"), (3, ' t="e"><v>#REF!</v>'), (4, "><f>B2+B3</f>"))
    ]
    outcomes = list(Translator(mapping).file(read_table("a.xlsx", workbook(head, *rows, texts=told))))
    assert [each.refusal.code if each.refusal else "" for each in outcomes] == [
        "",
        "cell_error",
        "cell_error",
    ]
    assert outcomes[1].refusal is not None and outcomes[1].refusal.got == "#REF!"


def test_one_long_text_in_very_many_cells_is_refused_before_it_is_copied() -> None:
    row = '<row r="{0}"><c r="A{0}" t="s"><v>1</v></c></row>'
    rows = "".join(row.format(n) for n in range(1, 3_001))
    data = workbook(rows, texts=f"<si><t>short</t></si><si><t>{'x' * 100_000}</t></si>")
    assert len(data) < 60_000
    assert refusal("a.xlsx", data) == "file_inflates"
    honest = workbook(
        rows.replace("<v>1</v>", "<v>0</v>"), texts=f"<si><t>short</t></si><si><t>{'x' * 100_000}</t></si>"
    )
    assert len(read_table("a.xlsx", honest).sheets["Data"]) == 3_000
