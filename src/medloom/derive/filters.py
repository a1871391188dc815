"""How the objects of a type can be asked for: filters and orders, read from its fields.

REST, GraphQL and their descriptions use the same list, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from medloom.kernel.entity import Declared
from medloom.kernel.fields import Choice, Code, Count, Day, Expiry, Flag, Instant, Number, Quantity, Ref, Text
from medloom.kernel.meaning import Refused

#: Values of one filter, separated by commas.
VALUES_MOST = 100
_ORDERED = (Count, Quantity, Number, Day, Instant)
_WORDS = {"": "equal to", "gte": "from", "lte": "up to", "starts": "beginning with"}
SITE = {"type": "string", "maxLength": 16}
_KEY = {"type": "string", "minLength": 1, "maxLength": 200}
_TRUTH = {"type": "string", "enum": ["true", "false"]}


@dataclass(frozen=True)
class Filter:
    """One parameter of a list: its name on the wire, the field it asks for, and how.

    path    the field as Django asks for it
    sign    "" equal (several values by commas), "gte", "lte", "starts"
    """

    name: str
    path: str
    sign: str
    field: Any = None

    @property
    def text(self) -> str:
        """What it does, in words."""
        label = str(self.field.verbose_name) if self.field is not None else self.name
        return f"{label} {_WORDS[self.sign]}"

    @property
    def several(self) -> bool:
        """Whether more than one value may be given."""
        return not self.sign and not isinstance(self.field, Flag)

    def read(self, text: str) -> dict[str, Any]:
        """Django's condition for what was asked. Raises Refused with the field's own code."""
        values = text.split(",") if self.several else [text]
        if len(values) > VALUES_MOST:
            raise Refused("too_long", f"at most {VALUES_MOST} values")
        found = [self._one(value) for value in values]
        if self.sign == "starts":
            return {f"{self.path}__startswith": found[0]}
        if self.sign:
            return {f"{self.path}__{self.sign}": found[0]}
        return {self.path: found[0]} if len(found) == 1 else {f"{self.path}__in": found}

    def _one(self, text: str) -> Any:
        field = self.field
        if "\x00" in text or len(text) > 500:
            raise Refused("character_illegal" if "\x00" in text else "too_long")
        if field is None:
            return text == "true" if self.name in ("voided", "placeholder") else text
        if isinstance(field, Flag):
            if text not in ("true", "false"):
                raise Refused("not_a_choice", "true|false")
            return text == "true"
        if isinstance(field, Count):
            if not text.lstrip("-").isdecimal() or len(text) > 18 or not text.isascii():
                raise Refused("type_wrong", field.domain())
            return field.accept(int(text))
        if isinstance(field, Quantity):
            text = text if text.endswith(f" {field.unit}") else f"{text} {field.unit}"
            return Decimal(field.accept(text).partition(" ")[0])
        if self.sign == "starts" or isinstance(field, Ref):
            return text
        return field.accept(text)

    @property
    def schema(self) -> dict[str, Any]:
        """What may be given, as JSON Schema."""
        field = self.field
        if field is None:
            return _TRUTH if self.name in ("voided", "placeholder") else SITE if self.name == "site" else _KEY
        if isinstance(field, Flag):
            return _TRUTH
        if isinstance(field, Choice):
            words = "|".join(sorted(field.words))
            return {"type": "string", "pattern": f"^({words})(,({words}))*$", "maxLength": 500}
        if isinstance(field, Count):
            return {"type": "string", "pattern": "^-?[0-9]{1,16}(,-?[0-9]{1,16})*$"}
        if isinstance(field, Day):
            return {"type": "string", "format": "date"}
        if isinstance(field, Instant):
            return {"type": "string", "format": "date-time"}
        return {"type": "string", "minLength": 1, "maxLength": 500}


_KNOWN: dict[str, Mapping[str, Filter]] = {}


def filters(declared: Declared) -> Mapping[str, Filter]:
    """Every filter of a type, by its name on the wire; read from the model once."""
    if declared.type not in _KNOWN:
        _KNOWN[declared.type] = _filters(declared)
    return _KNOWN[declared.type]


def _filters(declared: Declared) -> Mapping[str, Filter]:
    found = [Filter("key", "key", ""), Filter("key.starts", "key", "starts")]
    if not declared.facts.network:
        found.append(Filter("site", "site", ""))
    if declared.facts.lifecycle is not None:
        found.append(Filter("state", "state", "", declared.model._meta.get_field("state")))
    found += [Filter("voided", "voided", ""), Filter("placeholder", "placeholder", "")]
    for name, field in declared.fields.items():
        if isinstance(field, Text):
            continue
        found.append(Filter(name, f"{name}__key" if isinstance(field, Ref) else name, "", field))
        if isinstance(field, _ORDERED):
            found += [Filter(f"{name}.{sign}", name, sign, field) for sign in ("gte", "lte")]
        elif isinstance(field, Code) and not isinstance(field, Choice | Expiry):
            found.append(Filter(f"{name}.starts", name, "starts", field))
    return {each.name: each for each in found}


def orders(declared: Declared) -> tuple[str, ...]:
    """The orders in which a type may be listed: as made, by key, and by moments that every object has."""
    moments = [n for n, f in declared.fields.items() if isinstance(f, Day | Instant) and not f.null]
    return tuple(sign + name for name in ("num", "key", *moments) for sign in ("", "-"))
