"""What every business object has, and the fact sheet that says what is true of its type.

The Django model is the declaration: table, checks, pages, interfaces, dictionary and data map are
derived from it. The row is at the same time the *head*: its version and, per field, the version
that last changed it (docs/decisions/0001).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from django.apps import apps
from django.db import models

from medloom.kernel.fields import Ref
from medloom.kernel.meaning import Meaning
from medloom.wire.operation import CONTROL, VOLUME, Kind
from medloom.wire.sheet import Lifecycle, Owner, Sheet

#: Operation kinds for the three sorts of object.
MASTER = frozenset({Kind.SET, Kind.COMMAND, Kind.RAW})
OBSERVATION = frozenset({Kind.OBSERVE, Kind.RAW})


@dataclass(frozen=True)
class Facts:
    """The fact sheet of one object type: everything that cannot be read from its fields.

    type       its name on the wire, in addresses and in the glossary
    key        fields whose values, joined by "/", are its natural key
    owner      default owner of its fields
    readers    who may see it: "site" (its site and the registrant), "network", "registrant"
    network    its natural key is unique in the whole network and it belongs to no site
    steward    the function that answers for its quality
    fresh      how soon after the event it should be here (ISO 8601 duration)
    retention  how long it is kept (rule, not date)
    region     where it may be stored: "any" or "home"
    place      whether an observation may make a placeholder of it when it is unknown
    """

    type: str
    key: tuple[str, ...]
    owner: Owner = Owner.SITE
    kinds: frozenset[Kind] = MASTER
    readers: str = "site"
    network: bool = False
    steward: str = "quality"
    fresh: str = "P1D"
    retention: str = "device life, at least 2 years after release"
    region: str = "any"
    lifecycle: Lifecycle | None = None
    safety: bool = False
    place: bool = False
    chain: str = VOLUME


class Entity(models.Model):
    """The abstract base of every business object; the only one."""

    facts: ClassVar[Facts]

    #: Internal number, in the order of creation; foreign keys and trace edges use it.
    num = models.BigIntegerField(primary_key=True)
    #: UUIDv7, opaque, never used again; the name of the object outside.
    object = models.UUIDField(unique=True, editable=False)
    #: Code of the site it belongs to; empty for the network's own.
    site = models.CharField(max_length=16, editable=False)
    #: Natural key; unique per site, bound once.
    key = models.CharField(max_length=200, editable=False)
    #: Count of accepted entries.
    version = models.IntegerField(editable=False)
    #: Field or owner group -> version that last changed it after the creation.
    changed = models.JSONField(default=dict, editable=False)
    #: Sequence number of the last accepted entry.
    entry = models.BigIntegerField(editable=False)
    #: Known only from a reference so far.
    placeholder = models.BooleanField(default=False, editable=False)
    #: Taken back by a correcting operation; nothing is ever deleted.
    voided = models.BooleanField(default=False, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.key


class Part(models.Model):
    """A line of an object (a defect count, a BOM line): no version of its own, written with its object."""

    #: Position within the object, from 1.
    line = models.SmallIntegerField()
    #: Version of the object that wrote this line, and the one that replaced it; empty while it stands.
    since = models.IntegerField()
    until = models.IntegerField(null=True)

    class Meta:
        abstract = True


#: Columns of the head, in table order, before the declared fields.
HEAD_COLUMNS = ("num", "object", "site", "key", "version", "changed", "entry", "placeholder", "voided")


@dataclass(frozen=True)
class Reference:
    """A field that names another object: its name, the type named, and whether that is the network's."""

    name: str
    type: str
    network: bool

    def site(self, home: str) -> str:
        """The site in which the key is looked up."""
        return "" if self.network else home


#: Texts that each field keeps as accepted.
KNOWN_MOST = 300


@dataclass(frozen=True, slots=True)
class Slot:
    """One field as the door uses it, value by value: what Django would have to be asked each time."""

    name: str
    accept: Callable[[Any], Any]
    cell: Callable[[Any], str] | None
    ref: Reference | None
    #: Wire form of what stands where nothing was given; None for no default.
    default: Any
    null: bool
    #: Texts accepted before, with their canonical form: units, machines, days and kinds come again and again.
    known: dict[str, Any]

    @property
    def required(self) -> bool:
        """Whether a new object must be given a value."""
        return not self.null and self.default is None

    def take(self, text: str) -> Any:
        """The canonical form of a text, kept for the next time. Raises Refused."""
        found = self.accept(text)
        if len(self.known) < KNOWN_MOST:
            self.known[text] = found
        return found


@dataclass(frozen=True)
class Lines:
    """A list inside an object: the field name on the wire, the Part model and its fields."""

    name: str
    model: type[Part]
    parent: str
    fields: Mapping[str, Any]
    table: str
    refs: tuple[Reference, ...]
    slots: tuple[Slot, ...]
    most: int = 200

    def canonical(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Each line with its fields in their one form, defaults filled in, empty ones left out.

        Raises Refused of the first field that refuses its value; unknown fields are left out.
        """
        found = []
        for row in rows:
            line = {}
            for slot in self.slots:
                value = row.get(slot.name)
                if value is not None:
                    line[slot.name] = slot.accept(value)
                elif slot.default is not None:
                    line[slot.name] = slot.default
            found.append(line)
        return found


EntityClass = type[Entity]


@dataclass(frozen=True)
class Declared:
    """One object type, read once from its model: what append, pages and interfaces work from."""

    type: str
    model: EntityClass
    facts: Facts
    sheet: Sheet
    table: str
    fields: Mapping[str, Any]
    refs: Mapping[str, Reference]
    lines: Mapping[str, Lines]
    slots: Mapping[str, Slot]
    required: tuple[str, ...]
    defaults: Mapping[str, Any]
    columns: tuple[str, ...]

    def natural_key(self, fields: Mapping[str, Any]) -> str | None:
        """The natural key that the wire values make, or None when one is missing."""
        parts = [fields.get(name) for name in self.facts.key]
        return None if None in parts else "/".join(map(str, parts))


def meanings(model: type[models.Model]) -> dict[str, Any]:
    """The declared fields of a model, by name, in order."""
    return {f.name: f for f in model._meta.concrete_fields if isinstance(f, Meaning)}


def _references(fields: Mapping[str, Any]) -> tuple[Reference, ...]:
    found = []
    for name, field in fields.items():
        target = field.related_model if isinstance(field, Ref) else None
        if isinstance(target, type) and issubclass(target, Entity):
            found.append(Reference(name, target.facts.type, target.facts.network))
    return tuple(found)


def _slots(fields: Mapping[str, Any], refs: Iterable[Reference]) -> tuple[Slot, ...]:
    by_name = {ref.name: ref for ref in refs}
    found = []
    for name, field in fields.items():
        default = field.wire(field.get_default()) if field.has_default() else None
        cell = None if field.plain else field.cell
        found.append(Slot(name, field.accept, cell, by_name.get(name), default, field.null, {}))
    return tuple(found)


def _lines(model: type[Entity]) -> dict[str, Lines]:
    found = {}
    for part in apps.get_models():
        if not issubclass(part, Part):
            continue
        for field in part._meta.concrete_fields:
            if (
                isinstance(field, models.ForeignKey)
                and field.name == "parent"
                and field.related_model is model
            ):
                name = str(part._meta.default_related_name or part._meta.model_name)
                fields = meanings(part)
                refs = _references(fields)
                table, slots = part._meta.db_table, _slots(fields, refs)
                found[name] = Lines(name, part, field.column, fields, table, refs, slots)
    return found


def declare(model: type[Entity]) -> Declared:
    """Read one model."""
    facts = model.facts
    fields = meanings(model)
    lines = _lines(model)
    owners = {n: f.owner for n, f in fields.items() if f.owner is not None}
    groups = {n: f.group for n, f in fields.items() if f.group}
    has_state = facts.lifecycle is not None
    sheet = Sheet(
        type=facts.type,
        kinds=facts.kinds,
        owner=facts.owner,
        owners=owners,
        groups=groups,
        lifecycle=facts.lifecycle,
        safety=facts.safety,
        site_scoped=not facts.network,
        natural_key=facts.key,
        chain=CONTROL if facts.safety else facts.chain,
    )
    wire_fields = {n: f for n, f in fields.items() if n != "state"}
    refs = _references(wire_fields)
    slots = _slots(wire_fields, refs)
    return Declared(
        type=facts.type,
        model=model,
        facts=facts,
        sheet=sheet,
        table=model._meta.db_table,
        fields=wire_fields,
        refs={each.name: each for each in refs},
        lines=lines,
        slots={slot.name: slot for slot in slots},
        required=tuple(slot.name for slot in slots if slot.required),
        defaults={slot.name: slot.default for slot in slots if slot.default is not None},
        columns=(
            *HEAD_COLUMNS,
            *(("state",) if has_state else ()),
            *(f.column for f in wire_fields.values()),
        ),
    )


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Declared]:
    """Every object type of the house, by its name on the wire."""
    found = [m for m in apps.get_models() if issubclass(m, Entity)]
    return {d.type: d for d in sorted((declare(m) for m in found), key=lambda d: d.type)}


def types_of(names: Iterable[str]) -> list[Declared]:
    """The declarations of these types, in the order of the names."""
    return [catalogue()[name] for name in names]
