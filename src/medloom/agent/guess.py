"""A first mapping from a file's header and a sample of its rows: guesses for a person to check."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from medloom.agent.declaration import MISSING_WORDS
from medloom.agent.sources.rows import FileRefused, is_blank, original_text
from medloom.agent.sources.tables import read_table
from medloom.agent.units import is_unit, read_unit
from medloom.derive.headings import field_of

if TYPE_CHECKING:  # Django is not started where a file is only looked at
    from medloom.agent.sample import TableSample
    from medloom.kernel.entity import Declared

#: Rows that a guess looks at.
SAMPLE_ROWS = 500
#: From this share of dates on a column holds dates.
DAYS_SHARE = 0.8
_LOT = re.compile(r"lot|batch|批号|批次", re.IGNORECASE)
_CODE = re.compile(
    r"code|shift|班次|(?:^|[a-z_ ])no\.?$|number|\bid\b|编码|编号|单号|代码|料号", re.IGNORECASE
)
_DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}")
_NUMBER = re.compile(r"[-+]?[\d.,:/ -]+%?")
_UNIT = re.compile(r"[(（\[【]\s*([^)）\]】]+?)\s*[)）\]】]")
#: Letters at the end of a header: after an underscore, or after a character of another script.
_TAIL = re.compile(r"(?:_|(?<=[^\x00-\x7fµμ]))([A-Za-zµμ]{1,3}|%)$")
#: Objects that others name are read before those: an order waits until its item has come.
_ORDERS = {"item": 10, "equipment": 10, "bom": 15, "specification": 15, "work_order": 20, "lot": 30}
_HEAD = """\
# 由文件表头生成的初稿，请逐行核对 · first draft made from the header of {name}: check every line
{trial}feed: {feed}  # 数据流名称，启用后不可更改 · name of the feed; never change it once in use
order: {order}  # 先读被引用的数据 · what others name is read first
match:
{match}zone: {zone}  # 工厂所在时区，例如 Asia/Shanghai · time zone of the plant{zone_note}
missing: [{missing}]  # 表示“无”的词 · words that mean missing
lots: {{blanks: remove, case: upper, dashes: keep}}  # 批号写法 · when two spellings are one lot
records:
  - type: {type}  # 对象类型 · object type (see the data map){todo}
    kind: {kind}  # set 主数据与单据 / observe 已发生的事实 · set: documents; observe: what has happened
    key: [{key}]  # 业务主键列 · columns that identify the row at the plant{key_note}
    fields:
"""


_TRIAL = "# 试用 · try it:  medloom agent check THIS_MAPPING {name}\n"
_FILE = """\
  files: ["{pattern}"]  # 文件名模式 · which files
  sheet: "{sheet}"
  header: {header}  # 表头所在行 · row of the header
"""
_TABLE = """\
  table: {table}
  primary: [{primary}]  # 主键列 · columns of the primary key{primary_note}
"""
_SWEPT = (
    "  # 没有可用的修改时间列，按计划整表读取"
    " · no column to read on from: the whole table is read on a schedule\n"
)
FILL = "  <- 请填写 · fill in"
_DOUBLED = (
    "# 列名 {name!r} 在 {at} 列再次出现，只能读第一列，请在源文件中改名 · the name {name!r} stands again over"
    " column {at}: only the first is read; rename it in the source\n"
)
UNNAMED = "column_"


def first_mapping(
    name: str,
    data: bytes,
    *,
    type_: str = "",
    feed: str = "",
    declared: Declared | None = None,
    zone: str = "",
) -> str:
    """The YAML text. Raises FileRefused when the file cannot be read or has no header.

    `declared`: the declaration of the type, where it is known. Then only its fields are named, each by its
    own names in every language first, and what fits none is listed as ignored for a person to look at.
    """
    delivery = read_table(name, data)
    if delivery.refusal is not None:
        raise FileRefused(delivery.refusal.code, expected=delivery.refusal.expected, got=delivery.refusal.got)
    sheet, cells, row = _header(delivery.sheets)
    names = [original_text(cell).strip() for cell in cells[row]]
    columns, places, doubled = {}, {}, {}
    for i, column in enumerate(names):
        if column in columns:
            doubled[column] = letters(i)
        elif column:
            places[column] = letters(i)
            columns[column] = [line[i] for line in cells[row + 1 : row + 1 + SAMPLE_ROWS] if i < len(line)]
    stem = PurePosixPath(name).stem
    match = _FILE.format(
        pattern=re.sub(r"(?<=[_\-. ])\d+|\d{4,}", "*", stem).replace('"', "?") + PurePosixPath(name).suffix,
        sheet=sheet if len(delivery.sheets) > 1 else "*",
        header=row + 1,
    )
    head = _head(name, match, feed or _feed(stem), columns, type_=type_, declared=declared, zone=zone)
    if declared is not None:
        from medloom.agent.known import known_fields

        body = known_fields(declared, columns)
    else:
        taken: set[str] = set()
        body = "".join(_line(column, values, taken, places[column]) for column, values in columns.items())
    return head + body + "".join(_DOUBLED.format(name=n, at=at) for n, at in doubled.items())


def first_of_table(
    sample: TableSample, *, type_: str, declared: Declared, feed: str = "", zone: str = ""
) -> str:
    """The same for a table of the plant's database, whose rows are told apart by its primary key."""
    from medloom.agent.known import known_fields

    columns = {name: cells for name, cells in sample.columns.items() if name != sample.modified}
    match = _TABLE.format(
        table=quoted(sample.table) if "." not in sample.table else quoted(sample.table.rpartition(".")[2]),
        primary=", ".join(quoted(name) for name in sample.primary),
        primary_note="" if sample.primary else FILL,
    )
    if "." in sample.table:
        match += f"  schema: {quoted(sample.table.rpartition('.')[0])}\n"
    note = "  # 每次修改都会前进的列 · every change moves it forward\n"
    match += f"  modified: {quoted(sample.modified)}{note}" if sample.modified else _SWEPT
    head = _head(
        sample.table, match, feed or _feed(sample.table), columns, type_=type_, declared=declared, zone=zone,
        key=list(sample.primary),
    )  # fmt: skip
    drives = {sample.modified: "最后修改时间，用于轮询 time of the last change; drives the polling"}
    number = sample.primary[0] if len(sample.primary) == 1 else ""
    return head + known_fields(declared, columns, number=number, ignored=drives if sample.modified else {})


def _head(
    name: str,
    match: str,
    feed: str,
    columns: dict[str, list[Any]],
    *,
    type_: str,
    declared: Declared | None,
    zone: str,
    key: list[str] | None = None,
) -> str:
    chosen = _key(columns) if key is None else key
    note = "" if chosen else "  <- 未找到唯一列 · no unique column found: name some"
    if key is None and len(chosen) == 1 and _counts_up(columns[chosen[0]]):
        note = (
            "  <- 1, 2, 3 …：下一个文件是否重新编号 · does it begin again in the next file? then add columns"
        )
    kind = type_ or "step_record"
    if declared is not None:
        observed = "set" not in declared.facts.kinds
    else:
        observed = kind in ("step_record", "result")
    return _HEAD.format(
        name=name,
        trial=_TRIAL.format(name=name) if key is None else "",
        feed=feed,
        order=_ORDERS.get(type_, 50),
        match=match,
        zone=zone or "UTC",
        zone_note="" if zone else FILL,
        missing=", ".join(quoted(word) for word in MISSING_WORDS),
        type=kind,
        todo="" if type_ else FILL,
        kind="observe" if observed else "set",
        key=", ".join(quoted(column) for column in chosen),
        key_note=note,
    )


def _counts_up(values: list[Any]) -> bool:
    """Whether a column only numbers the rows."""
    return [original_text(value) for value in values] == [str(n) for n in range(1, len(values) + 1)]


def letters(index: int) -> str:
    """The letters over a sheet's column: 0 is A, 26 is AA."""
    return (letters(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)


def _feed(stem: str) -> str:
    """A feed's name from the file's; one without Latin letters gets a name that no other file's gets."""
    plain = re.sub(r"[^a-z0-9]+", "_", stem.casefold()).strip("_0123456789")
    shape = re.sub(r"\d+", "", stem)  # the next month's file is the same feed
    return plain or f"feed_{hashlib.sha256(shape.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


def _header(sheets: dict[str, list[list[Any]]]) -> tuple[str, list[list[Any]], int]:
    """The sheet and row that look most like a header: the first row with the most words."""
    for sheet, cells in sheets.items():
        best, most = -1, 1
        for number, row in enumerate(cells[:20]):
            words = [cell.strip() for cell in row if isinstance(cell, str) and cell.strip()]
            # A .csv holds texts only; a row of numbers is no header, and a name may stand twice.
            named = sum(not _NUMBER.fullmatch(word) for word in words)
            if named > most:
                best, most = number, named
        if best >= 0:
            return sheet, cells, best
    raise FileRefused("header_missing", expected="a row of column names", got="none")


def _key(columns: dict[str, list[Any]]) -> list[str]:
    """The first column that names every row once, or the first columns that do together."""
    rows = max((len(values) for values in columns.values()), default=0)
    full = {n: v for n, v in columns.items() if not any(is_blank(cell) for cell in v)}
    likely = sorted(full, key=lambda n: (not _CODE.search(n), list(columns).index(n)))
    for name in likely:
        texts = [original_text(cell) for cell in full[name]]
        if _CODE.search(name) and len(set(texts)) == rows > 0:
            return [name]
    taken: list[str] = []
    for name in list(full)[:8]:
        taken.append(name)
        lines = zip(*(full[n] for n in taken), strict=False)
        tuples = {tuple(original_text(cell) for cell in line) for line in lines}
        if len(tuples) == rows > 0:
            return taken
    return []


def _line(column: str, values: list[Any], taken: set[str], place: str) -> str:
    kind, note = kind_of_cells(column, values)
    field = _field(column, taken, place)
    unit = ""
    if kind == "quantity":
        unit = ", unit: {{from: {0}, to: {0}}}".format(quoted(unit_in(column) or "1"))
    sample = next((original_text(cell) for cell in values if not is_blank(cell)), "")
    comment = f"例 · e.g. {sample[:40]!r}" + (f"; {note}" if note else "")
    if field.startswith(UNNAMED):
        comment += "  <- 请填写字段名，或移到 ignored · name the field, or move the column to ignored"
    return f"      {field}: {{column: {quoted(column)}, as: {kind}{unit}}}  # {comment}\n"


def _field(column: str, taken: set[str], place: str) -> str:
    """A field name for the column, none twice: by a known word of the header, else by its letters.

    One that says nothing is named for its place in the sheet, and is for a person to name.
    """
    words = field_of(column)
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _UNIT.sub("", column)).strip().casefold()
    plain = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    name = words or (plain if plain[:1].isalpha() else UNNAMED + place.casefold())
    free = next(each for n in range(1, 10_000) if (each := name if n == 1 else f"{name}_{n}") not in taken)
    taken.add(free)
    return free


def kind_of_cells(column: str, values: list[Any]) -> tuple[str, str]:
    """What the cells of a column hold, and what a person should look at."""
    held = [value for value in values if not is_blank(value)]
    words = {word.casefold() for word in MISSING_WORDS}
    held = [v for v in held if not (isinstance(v, str) and v.strip().casefold() in words)]
    if _LOT.search(column):
        return "lot", ""
    if _CODE.search(column):
        numbers = sum(isinstance(value, float | int) for value in held)
        return "code", f"{numbers} of {len(held)} stored as numbers" if numbers else ""
    if not held:
        return "text", "empty in this file"
    held = [_plain_number(value) for value in held]  # a .csv holds texts only
    days = [value for value in held if isinstance(value, date)]
    # A few destroyed dates do not make a column of texts of it; they are refused one by one.
    if len(days) >= DAYS_SHARE * len(held):
        whole = not any(isinstance(v, datetime) and (v.hour or v.minute or v.second) for v in days)
        return ("date" if whole else "datetime"), ""
    if all(isinstance(value, float | int) and not isinstance(value, bool) for value in held):
        if all(float(value).is_integer() for value in held):
            serial = all(20_000 < value < 60_000 for value in held) and re.search("date|日期", column, re.I)
            return ("date", "Excel serial numbers") if serial else ("integer", "")
        return "quantity", "名称与单位请核对 · check the unit"
    return "text", ""


def numbers_among(values: list[Any]) -> tuple[float, str]:
    """The share of cells that are numbers (1 where none holds anything), and their decimal comma if any."""
    words = {word.casefold() for word in MISSING_WORDS}
    texts = [original_text(v).strip() for v in values if not is_blank(v)]
    held = [text for text in texts if text.casefold() not in words]
    if not held:
        return 1.0, ""
    commas = sum(bool(re.fullmatch(r"[-+]?\d+,\d+", text)) for text in held)
    numbers = sum(bool(re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", text)) for text in held)
    return (commas + numbers) / len(held), "," if commas else ""


def _plain_number(value: Any) -> Any:
    """A text that is nothing but a number, as one; leading noughts make it a code."""
    if isinstance(value, str) and re.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d+)?", value.strip()):
        return float(value)
    return value


def unit_in(column: str) -> str:
    """The unit that a header names, as its code: in brackets, or at the end of it (`数量kg`, `value_um`)."""
    stated = _UNIT.search(column)
    if stated:
        return read_unit(stated.group(1))
    tail = _TAIL.search(column)
    return read_unit(tail.group(1)) if tail and is_unit(tail.group(1)) else ""


def day_form(values: list[Any]) -> tuple[str, bool]:
    """The form (strptime) of days written `02/11/2026`, "" for others; and whether the cells decide it."""
    found = [_DAY_FIRST.fullmatch(original_text(v).strip()) for v in values if not is_blank(v)]
    days = [each for each in found if each]
    if not days or len(days) < DAYS_SHARE * len(found):
        return "", False
    first, second = (max(int(each.group(n)) for each in days) for n in (1, 2))
    return ("%m/%d/%Y" if second > 12 >= first else "%d/%m/%Y"), (first > 12) is not (second > 12)


def quoted(text: str) -> str:
    """The text as YAML takes it for a text, whatever it holds."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
