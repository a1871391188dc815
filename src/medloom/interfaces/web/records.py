"""Entries of the ledger as a person reads them: who, when, why, what was and is, and from where."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.utils.translation import get_language

from medloom.interfaces.web.columns import Column, label_of, unit_word
from medloom.interfaces.web.telling import hold_words, rule_words
from medloom.interfaces.web.words import COMMANDS, Word, state_word
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.fields import Choice
from medloom.kernel.models import Entry
from medloom.parties.models import Person

#: A value in history longer than this is cut on the page; the whole is in the record itself.
SHOWN_MOST = 400


@dataclass(frozen=True)
class Change:
    """One field as it was and is, in words."""

    name: str
    label: object
    old: str
    new: str
    #: The value as it stood in the plant's own system, and the rule that changed it.
    was: str = ""
    rule: str = ""


@dataclass(frozen=True)
class Record:
    """One entry for a person."""

    entry: Entry
    body: Mapping[str, Any]
    decision: Mapping[str, Any]
    actor: str
    text: str
    changes: list[Change] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The operation's kind; raw when its bytes could not be read."""
        return str(self.body.get("kind") or "raw")

    @property
    def command(self) -> object:
        """The word of a state command, or nothing."""
        name = (self.body.get("fields") or {}).get("command", "") if self.kind == "command" else ""
        return COMMANDS.get(name, name)

    @property
    def reason(self) -> str:
        """Why, in the author's words; a source's reason is its feed and place."""
        source = self.body.get("source") or {}
        reason = str(self.body.get("reason") or "")
        return "" if source and reason == f"{source.get('feed')}: {source.get('at')}" else reason

    @property
    def place(self) -> str:
        """Feed, file and row that it came from."""
        source = self.body.get("source") or {}
        return " · ".join(str(part) for part in (source.get("feed"), source.get("at")) if part)

    @property
    def path(self) -> str:
        """Which part was refused."""
        return str((self.decision.get("refusal") or {}).get("path", ""))

    @property
    def happened(self) -> dt.datetime | None:
        """Event time, as the author said it."""
        try:
            return dt.datetime.fromisoformat(str(self.body.get("at")))
        except ValueError:
            return None

    @property
    def hash(self) -> str:
        """SHA-256 of the bytes as they came."""
        return bytes(self.entry.hash).hex()


def raw_bytes(entry: Entry) -> bytes:
    """The operation's bytes as they came."""
    return base64.b64decode(entry.body) if entry.encoding == "base64" else entry.body.encode()


def _mapping(text: str | None) -> dict[str, Any]:
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def cut(text: str) -> str:
    """Text short enough for a line of history."""
    return text if len(text) <= SHOWN_MOST else f"{text[:SHOWN_MOST]}…"


def word_of(declared: Declared | None, name: str, value: Any) -> str:
    """A wire value in words: choices by their word, units as they are shown."""
    if value is None or value == "":
        return "–"
    if declared is not None:
        known = declared.fields.get(name)
        if isinstance(known, Choice):
            return str(dict(known.choices or ()).get(value, value))
        if name == "state":
            return str(_state(declared, str(value)).label)
        if declared.type == "hold" and name == "cause":
            return cut(hold_words(str(value)))
        unit = getattr(known, "unit", "")
        if unit == "1" and isinstance(value, str):
            return value.removesuffix(" 1")
    if isinstance(value, list):
        known = declared.lines[name].fields if declared is not None and name in declared.lines else {}
        return cut("; ".join(", ".join(_flat(line, known)) for line in value))
    return cut(str(value))


def _flat(line: Any, known: Mapping[str, Any]) -> Iterable[str]:
    """The values of one line in words."""
    if not isinstance(line, dict):
        return [str(line)]
    words = {name: dict(getattr(known.get(name), "choices", None) or ()) for name in line}
    return [str(words[name].get(value, value)) for name, value in line.items() if value is not None]


def _state(declared: Declared, value: str) -> Word:
    words = dict(declared.model._meta.get_field("state").choices or ())
    known = state_word(value)
    return Word(words.get(value, known.label), known.tone)


def field_label(declared: Declared | None, name: str) -> object:
    """A field's name for a person, its wire name when it is unknown."""
    if declared is not None:
        if name == "state" and declared.facts.lifecycle is not None:
            return label_of(declared.model._meta.get_field("state"))
        if name in declared.fields:
            return label_of(declared.fields[name])
        if name in declared.lines:
            return label_of_lines(declared, name)
    return name


def label_of_lines(declared: Declared, name: str) -> object:
    """What a list inside an object is called; Chinese has no plural."""
    label = str(declared.lines[name].model._meta.verbose_name)
    return label if (get_language() or "").startswith("zh") or label.endswith("s") else f"{label}s"


def _changes(entry: Entry, body: Mapping[str, Any], decision: Mapping[str, Any]) -> list[Change]:
    declared = catalogue().get(entry.type)
    before = decision.get("before") or {}
    if body.get("kind") == "command" and before.get("state") is None:
        before = {**before, "state": (body.get("fields") or {}).get("from")}
    after = decision.get("after")
    if after is None:
        fields = body.get("fields") or {}
        after = {k: v for k, v in fields.items() if k not in ("command", "from")}
    was = (body.get("source") or {}).get("was") or {}
    found = []
    for name, value in after.items():
        original = was.get(name) or ("", "")
        found.append(
            Change(
                name,
                field_label(declared, name),
                word_of(declared, name, before[name]) if before.get(name) is not None else "",
                word_of(declared, name, value),
                was=str(original[0]),
                rule=rule_words(str(original[1])) if original[1] else "",
            )
        )
    return found


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Names of people by their opaque ids; an erased or foreign one has none."""
    return dict(Person.objects.filter(opaque__in=set(actors)).values_list("opaque", "name"))


def records(entries: Iterable[Entry]) -> list[Record]:
    """Entries for people, with their authors' names in one query."""
    read = [(e, _mapping(e.body if e.encoding is None else None), _mapping(e.decision)) for e in entries]
    names = names_of(str(body.get("actor", "")) for _, body, _ in read)
    return [
        Record(
            entry,
            body,
            decision,
            actor=names.get(str(body.get("actor", "")), str(body.get("actor", ""))),
            text=raw_bytes(entry).decode(errors="replace"),
            changes=_changes(entry, body, decision),
        )
        for entry, body, decision in read
    ]


def history(object_: Any, *, most: int = 200) -> list[Record]:
    """The latest records of one object, newest first."""
    return records(Entry.objects.filter(object=object_).order_by("-seq")[:most])


def sources(found: Iterable[Record]) -> dict[str, Record]:
    """For each field, the newest accepted record that wrote it: where its value comes from."""
    latest: dict[str, Record] = {}
    for record in found:
        if record.entry.verdict == "accepted":
            for change in record.changes:
                latest.setdefault(change.name, record)
    return latest


def unit_of(column: Column) -> str:
    """A column's unit as it is shown."""
    return unit_word(column.unit)
