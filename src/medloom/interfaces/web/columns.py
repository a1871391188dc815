"""From a model's fields to columns: how a value of each kind of field is shown, sorted and exported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from medloom.interfaces.web.telling import alert_words, hold_words
from medloom.interfaces.web.templatetags.medloom import moment_html, tagged
from medloom.interfaces.web.words import Word, state_word
from medloom.kernel.entity import Declared
from medloom.kernel.fields import Choice, Count, Day, Flag, Instant, Number, Quantity, Ref, Text

#: UCUM codes that people write in another way.
SHOWN_UNITS = {"1": "", "Cel": "°C", "[degF]": "°F", "um": "µm", "[in_i]": "in", "[in_i]/min": "in/min"}
#: Kinds of column whose values stand at the right.
NUMBERS = ("count", "quantity", "number", "faults")


@dataclass(frozen=True)
class Column:
    """One column: `name` is its name in addresses, `path` what the database sorts by ("" = not sortable)."""

    name: str
    label: object
    kind: str
    path: str = ""
    unit: str = ""
    #: For a derived column: reads the value from the row.
    read: Callable[[Any], Any] | None = None
    #: For a choice: word on the wire -> word for a person.
    words: tuple[tuple[str, object], ...] = ()
    #: For a number whose unit stands beside it: the field that holds the unit.
    unit_in: str = ""

    @property
    def number(self) -> bool:
        """Whether its values are right-aligned."""
        return self.kind in NUMBERS


def kind_of(field: Any) -> str:
    """The kind of column that a declared field makes."""
    if field.name == "state" or isinstance(field, Choice):
        return "state"
    pairs: tuple[tuple[type, str], ...] = (
        (Ref, "ref"),
        (Quantity, "quantity"),
        (Number, "number"),
        (Count, "count"),
        (Flag, "flag"),
        (Day, "day"),
        (Instant, "moment"),
        (Text, "text"),
    )
    return next((kind for cls, kind in pairs if isinstance(field, cls)), "code")


def label_of(field: Any) -> object:
    """The field's name for a person."""
    return capfirst(field.verbose_name)


def column_of(field: Any) -> Column:
    """The column of one declared field."""
    kind = kind_of(field)
    path = f"{field.name}__key" if kind == "ref" else field.name
    return Column(
        field.name,
        label_of(field),
        kind,
        path=path,
        unit=unit_word(getattr(field, "unit", "")),
        words=tuple(field.choices or ()) if kind == "state" else (),
        unit_in=getattr(field, "unit_in", ""),
    )


def domain_words(field: Any) -> str:
    """What a field may hold, in the reader's language."""
    match kind_of(field):
        case "quantity":
            said = _("number with the unit %(unit)s, at most %(places)s decimals")
            return said % {"unit": field.unit, "places": field.places}
        case "number":
            return _("number with at most %(places)s decimals") % {"places": field.places}
        case "count":
            return _("whole number from %(low)s") % {"low": f"{field.low:,}"}
        case "day":
            return _("date, YYYY-MM-DD")
        case "moment":
            return _("moment with its zone")
        case "flag":
            return _("yes or no")
        case "ref":
            return _("number of: %(kind)s") % {"kind": field.related_model._meta.verbose_name}
        case "state":
            return ", ".join(str(label) for _word, label in field.choices or ())
    return _("text of at most %(most)s characters") % {"most": field.max_length}


def unit_word(code: str) -> str:
    """A UCUM unit as it is shown; pieces ("1") need none."""
    return SHOWN_UNITS.get(code, code)


def columns_of(declared: Declared) -> dict[str, Column]:
    """Every column an object type can show: key, site, state, then its fields in declared order."""
    found = {"key": Column("key", gettext_lazy("Number"), "key", path="key")}
    if not declared.facts.network:
        found["site"] = Column("site", gettext_lazy("Plant"), "site", path="site")
    if declared.facts.lifecycle is not None:
        found["state"] = column_of(declared.model._meta.get_field("state"))
    for name, field in declared.fields.items():
        if declared.facts.key != (name,):
            found[name] = column_of(field)
    found["version"] = Column("version", gettext_lazy("Version"), "count", path="version")
    found["entry"] = Column("entry", gettext_lazy("Last record"), "entry", path="entry")
    return found


def object_address(type_: str, object_: Any) -> str:
    """Where an object's page is."""
    return reverse("web:object", args=[type_, object_])


@dataclass(frozen=True)
class Drawing:
    """What drawing cells needs to know besides the row: plants' names and zones, times of the records."""

    type: str
    zones: Mapping[str, str]
    names: Mapping[str, str]
    received: Mapping[int, dt.datetime]


def plain_number(value: Any) -> str:
    """A number with groups of three; trailing zeros of a quantity stay, they are its precision."""
    return f"{value:,}" if isinstance(value, (int, Decimal)) else str(value)


def idle_free(value: Any) -> str:
    """A number without idle zeros at its end, with groups of three."""
    text = f"{value:,f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def choice_word(column: Column, value: str) -> Word:
    """The word of a choice: the model's own, else the house's; the tone is the house's."""
    known = state_word(value)
    return Word(dict(column.words).get(value, known.label), known.tone)


def _ref(value: models.Model | None) -> SafeString | str:
    if value is None:
        return ""
    type_ = value.facts.type  # type: ignore[attr-defined]
    return format_html('<a href="{}">{}</a>', object_address(type_, value.object), value.key)  # type: ignore[attr-defined]


def _key(row: Any, value: Any, drawing: Drawing) -> SafeString:
    mark = (
        format_html(' <span class="tag" data-tone="warn">{}</span>', _("Placeholder"))
        if row.placeholder
        else ""
    )
    return format_html(
        '<a class="key" href="{0}" title="{1}">{1}</a>{2}',
        object_address(drawing.type, row.object),
        value,
        mark,
    )


def value_of(column: Column, row: Any) -> Any:
    """The row's value for that column."""
    return column.read(row) if column.read else getattr(row, column.name, None)


def draw(column: Column, row: Any, drawing: Drawing) -> SafeString | str:
    """One cell as HTML; everything from the row is escaped."""
    value = value_of(column, row)
    kind = column.kind
    if value is None and kind == "ref" and getattr(row, f"{column.name}_id", None) is not None:
        # It names something of the registrant's alone: an empty cell would say that it names nothing.
        return format_html('<span class="soft">{}</span>', _("not shown to you"))
    if value is None or value == "":
        return SafeString('<span class="soft">–</span>')
    if kind == "key":
        return _key(row, value, drawing)
    if column.name == "detail" and drawing.type == "alert":
        return alert_words(str(value))
    if column.name == "cause" and drawing.type == "hold":
        value = hold_words(str(value))
    if kind == "ref":
        return _ref(value)
    if kind == "number":
        unit = unit_word(str(getattr(row, column.unit_in, "") or ""))
        return format_html('{}<span class="unit">{}</span>', idle_free(value), unit)
    return draw_value(column, value, zone=drawing.zones.get(row.site, "UTC"), drawing=drawing)


def draw_value(column: Column, value: Any, *, zone: str, drawing: Drawing) -> SafeString | str:
    """One value by its kind."""
    match column.kind:
        case "state":
            return tagged(choice_word(column, str(value)))
        case "quantity":
            return format_html('{}<span class="unit">{}</span>', idle_free(value), column.unit)
        case "count":
            return plain_number(value)
        case "faults":
            tone = "bad" if value else "good"
            return format_html('<span class="tag" data-tone="{}">{}</span>', tone, plain_number(value))
        case "number":
            return idle_free(value)
        case "flag":
            return _("Yes") if value else _("No")
        case "moment":
            return moment_html(value, zone)
        case "day":
            return value.isoformat() if hasattr(value, "isoformat") else str(value)
        case "site":
            return format_html(
                '<span class="plant" title="{0} {1}">{1}</span>', value, drawing.names.get(value, value)
            )
        case "entry":
            moment = drawing.received.get(value)
            return moment_html(moment, zone) if moment else plain_number(value)
        case "text":
            return format_html('<span class="clip" title="{}">{}</span>', value, value)
    return str(value)


def exported(column: Column, row: Any, drawing: Drawing) -> Any:
    """One value for a spreadsheet: numbers stay numbers, all else is text."""
    value = value_of(column, row)
    if value is None:
        return ""
    match column.kind:
        case "text" if column.name == "cause" and drawing.type == "hold":
            return hold_words(str(value))
        case "ref":
            return value.key
        case "state":
            return str(choice_word(column, str(value)).label)
        case "count" | "faults":
            return value
        case "quantity" | "number":
            return float(value)
        case "flag":
            return str(_("Yes") if value else _("No"))
        case "entry":
            moment = drawing.received.get(value)
            return moment.isoformat() if moment else value
        case "moment" | "day":
            return value.isoformat()
        case "site":
            return str(drawing.names.get(value, value))
    return str(value)
