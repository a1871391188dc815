"""A mapping as a person writes it: one readable YAML file for one feed of a plant.

Every key is declared here; an unknown key, unit or field type is refused when the file is loaded,
with the place in the file and what was expected.
"""

from __future__ import annotations

import fnmatch
import io
import re
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from medloom.agent.misshapen import told
from medloom.agent.shaping import Shape, fits
from medloom.agent.signals import Item, Stream
from medloom.agent.units import known_units, micro, same_dimension
from medloom.agent.unpivot import Unpivot

MAPPING_BYTES_MAX = 256 * 1024
#: Words that mean "no value" unless a mapping names its own.
MISSING_WORDS = ("NI", "UNK", "N/A", "NA", "#N/A", "NULL", "None", "-", "--", "—")

FieldKind = Literal[
    "text",
    "code",
    "lot",
    "quantity",
    "number",
    "integer",
    "date",
    "datetime",
    "choice",
    "boolean",
    "constant",
    "key",
    "join",
    "list",
]
OperationKind = Literal["set", "observe"]


class MappingRefused(ValueError):
    """The mapping file cannot be used. `path` is the place in it, `expected` what it should hold."""

    def __init__(self, code: str, *, path: str, expected: str = "", got: str = "") -> None:
        super().__init__(f"{code} at {path}: expected {expected}; found {got}")
        self.code, self.path, self.expected, self.got = code, path, expected, got


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"kind": "as"}):
    """Base of every part of a mapping: unknown keys are refused; `as` in the file is `kind` in code."""


class Unit(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from", "target": "to"}
):
    """The unit the plant writes and the unit of the declared field (UCUM codes)."""

    source: str
    target: str

    def __post_init__(self) -> None:
        """Both signs of micro are the letter u."""
        for name in ("source", "target"):
            msgspec.structs.force_setattr(self, name, micro(getattr(self, name)))


class LotRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When two spellings are one lot. Dashes stay by default: what differs by them is a person's decision."""

    blanks: Literal["remove", "keep"] = "remove"
    case: Literal["upper", "keep"] = "upper"
    dashes: Literal["remove", "keep"] = "keep"


class Part(Struct, frozen=True):
    """One member of a list field: its own fields, kept only if all `keep_if` fields hold something.

    each  a cell that holds several (a run's highest values by tool): one member for each of them
    """

    fields: dict[str, Field]
    keep_if: tuple[str, ...] = ()
    each: str = ""


class Field(Struct, frozen=True):
    """How one field is made.

    column      the column it comes from (header name)
    kind        `as` in the file: what the cell means
    required    an empty cell refuses the row
    default     what an empty cell means, for example 0 in a column of counts
    value       for `constant`: the value itself; `key` gives the row's own business key as a text
    columns     for `join`: the columns, joined by `by` (empty ones left out); `=WORD` is the word itself
    members     for `list`: one entry for each member of the list
    formats     for dates: the forms the plant writes (strptime); without it, ISO and year-first forms
    damaged     what a value that cannot be understood does: it refuses the row, or it is left out of a
                row that is otherwise good; the operation keeps its original and the reason, and it counts
    shape       the part of the text that is meant (a serial inside a long name)
    instead     what is taken when the cell is empty, before `default`
    of          for `join`: rules instead of columns, each with its own kind and shape
    """

    column: str = ""
    kind: FieldKind = "text"
    required: bool = False
    default: Any = None
    value: Any = None
    columns: tuple[str, ...] = ()
    by: str = "/"
    members: tuple[Part, ...] = ()
    unit: Unit | None = None
    resolution: str = ""
    case: Literal["keep", "upper", "lower"] = "keep"
    choices: dict[str, str] = {}
    formats: tuple[str, ...] = ()
    damaged: Literal["refuse", "leave_out"] = "refuse"
    pattern: str = ""
    characters_max: int = 0
    thousands: str = ""
    comma: str = "."
    shape: Shape | None = None
    instead: Field | None = None
    of: tuple[Field, ...] = ()


class Record(Struct, frozen=True, rename=None):
    """One object that a row speaks of. A row that speaks of several makes one group with one outcome.

    type      object type (see the data map)
    kind      `set` for master data and documents, `observe` for what has already happened
    key       columns that identify the object at the plant; never changed once in use
    when      columns that must hold something, or else the row does not speak of this object
    unless    columns that must be empty
    at        column of the event time; else the row's reading time is used
    mentioned the row only mentions the object (a lot it used): the first mention tells of it, and later
              ones, in whatever spelling, are no other content
    """

    type: str
    key: tuple[str, ...]
    fields: dict[str, Field]
    kind: OperationKind = "set"
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    at: str = ""
    mentioned: bool = False


class Balance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sum or product of fields that must equal another. Reported with the row, never a refusal."""

    name: str
    equals: str
    sum: tuple[str, ...] = ()
    product: tuple[str, ...] = ()


class Writes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes down from the hub into the plant's own table: column -> field of an object type.

    key     column -> field, for the columns that name the row
    columns column -> field, for the columns that may be written
    stamp   column that takes the time of the write, "" for none
    """

    type: str
    key: dict[str, str]
    columns: dict[str, str]
    stamp: str = ""


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which deliveries this mapping reads: file patterns and sheet, or a table of the plant's database.

    primary   columns of the table's primary key, in its order
    modified  column that every change of a row moves forward, "" when there is none
    unpivot   the sheet has one column for each part: each filled cell becomes a row
    stream    the rows are made of a machine's stream, as the section `stream` says
    overlap_minutes  how far back each poll reads again: at least the plant's longest transaction
    """

    files: tuple[str, ...] = ()
    sheet: str = "*"
    header: int = 0
    table: str = ""
    schema: str = ""
    primary: tuple[str, ...] = ()
    modified: str = ""
    unpivot: Unpivot | None = None
    overlap_minutes: int = 15
    stream: bool = False


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One feed: where its rows come from and what each becomes.

    skip      why files of this kind are known and not read (then nothing else is declared)
    aliases   column -> other spellings its header has been seen with
    ignored   column -> why it is not taken over; any other unknown column is reported as drift
    order     files of a folder are read in this order (masters before what refers to them)
    """

    feed: str
    match: Match
    records: tuple[Record, ...] = ()
    skip: str = ""
    title: dict[str, str] = {}
    order: int = 50
    zone: str = "UTC"
    missing: tuple[str, ...] = MISSING_WORDS
    lots: LotRule = LotRule()
    aliases: dict[str, tuple[str, ...]] = {}
    ignored: dict[str, str] = {}
    balances: tuple[Balance, ...] = ()
    writes: Writes | None = None
    stream: Stream | None = None

    @property
    def observes(self) -> bool:
        """Whether its rows tell of what has happened: taken even when edits wait for space."""
        return any(record.kind == "observe" for record in self.records)

    def reads(self, name: str) -> bool:
        """Whether a file of that name (relative to the watched folder) belongs to this feed."""
        base = PurePosixPath(name).name.casefold()
        return any(
            fnmatch.fnmatchcase(name.casefold() if "/" in pattern else base, pattern.casefold())
            for pattern in self.match.files
        )


def load_mapping(path: Path) -> Mapping:
    """The mapping in that file. Raises MappingRefused with the place in the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MappingRefused("mapping_unreadable", path=path.name, got=str(error.strerror)) from error
    if len(data) > MAPPING_BYTES_MAX:
        raise MappingRefused("mapping_too_large", path=path.name, expected=f"<= {MAPPING_BYTES_MAX} bytes")
    return parse_mapping(data.decode("utf-8", errors="replace"), name=path.name)


def load_mappings(folder: Path) -> list[Mapping]:
    """Every mapping of a folder, in reading order. Two of one feed name are refused."""
    found = [load_mapping(path) for path in sorted(folder.glob("*.y*ml"))]
    names = [mapping.feed for mapping in found]
    for name in names:
        if names.count(name) > 1:
            raise MappingRefused(
                "feed_twice", path=str(folder.name), expected="one file for each feed", got=name
            )
    return sorted(found, key=lambda mapping: (mapping.order, mapping.feed))


def parse_mapping(text: str, *, name: str = "mapping") -> Mapping:
    """The mapping in that text. Raises MappingRefused."""
    try:
        tree = YAML(typ="safe", pure=True).load(io.StringIO(text))
    except (YAMLError, RecursionError, ValueError) as error:
        raise MappingRefused("mapping_syntax", path=name, expected="YAML", got=str(error)[:300]) from error
    try:
        mapping = msgspec.convert(tree, Mapping)
    except msgspec.ValidationError as error:
        place, expected, got = told(error, tree, Mapping, name=name)
        raise MappingRefused("mapping_shape", path=place, expected=expected, got=got) from error
    _check(mapping)
    return mapping


def _check(mapping: Mapping) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", mapping.feed):
        raise MappingRefused("feed_name", path="$.feed", expected="[a-z][a-z0-9_]*", got=mapping.feed)
    if not (mapping.match.files or mapping.match.table or mapping.match.stream):
        raise MappingRefused("match_missing", path="$.match", expected="files, table or stream")
    if mapping.match.stream != (mapping.stream is not None):
        raise MappingRefused("match_missing", path="$.stream", expected="match.stream and stream, or neither")
    for name, item in mapping.stream.items.items() if mapping.stream else ():
        _check_item(item, path=f"$.stream.items.{name}")
    try:
        ZoneInfo(mapping.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MappingRefused("zone_unknown", path="$.zone", expected="IANA zone", got=mapping.zone) from error
    if mapping.match.table and not mapping.match.primary:
        raise MappingRefused("key_missing", path="$.match.primary", expected="columns of the primary key")
    if bool(mapping.skip) == bool(mapping.records or mapping.writes):
        raise MappingRefused("records_missing", path="$.records", expected="records, or skip with a reason")
    for number, record in enumerate(mapping.records):
        _check_record(record, path=f"$.records[{number}]")


def _check_item(item: Item, *, path: str) -> None:
    if item.role in ("state", "availability") and not item.words:
        raise MappingRefused("field_incomplete", path=path, expected="words")
    if item.role == "measured" and not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", item.what):
        raise MappingRefused("field_incomplete", path=path, expected="what: [a-z][a-z0-9_]*", got=item.what)


def _check_record(record: Record, *, path: str) -> None:
    if not record.key:
        raise MappingRefused("key_missing", path=f"{path}.key", expected="at least one column")
    for name, rule in record.fields.items():
        _check_field(rule, path=f"{path}.fields.{name}")


def _check_field(rule: Field, *, path: str) -> None:
    if rule.kind == "constant":
        wrong, expected = rule.value is None, "value"
    elif rule.kind == "join":
        wrong, expected = not (rule.columns or rule.of), "columns or of"
    elif rule.kind == "key":
        wrong, expected = bool(rule.column), "no column"
    elif rule.kind == "list":
        wrong, expected = not rule.members, "members"
    else:
        wrong, expected = not rule.column, "column"
    if wrong:
        raise MappingRefused("field_incomplete", path=path, expected=expected, got=f"as: {rule.kind}")
    if rule.kind == "quantity" and rule.unit is None:
        expected = "unit: {from: ..., to: ...}"
        raise MappingRefused("unit_missing", path=path, expected=expected, got="as: quantity without unit")
    if rule.kind == "choice" and not rule.choices:
        raise MappingRefused("field_incomplete", path=path, expected="choices")
    if rule.unit and not same_dimension(rule.unit.source, rule.unit.target):
        raise MappingRefused(
            "unit_unknown",
            path=f"{path}.unit",
            expected=f"two units of one dimension, of {known_units()}",
            got=f"{rule.unit.source} to {rule.unit.target}",
        )
    if rule.shape and not fits(rule.shape):
        raise MappingRefused(
            "field_incomplete", path=f"{path}.shape.extract", expected="one group", got=rule.shape.extract
        )
    if rule.instead is not None:
        _check_field(rule.instead, path=f"{path}.instead")
    for number, inner in enumerate(rule.of):
        _check_field(inner, path=f"{path}.of[{number}]")
    for number, member in enumerate(rule.members):
        for name, inner in member.fields.items():
            _check_field(inner, path=f"{path}.members[{number}].{name}")
