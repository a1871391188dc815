"""Fields that carry a meaning: each knows its unit, precision and domain, and refuses all that is outside.

Every field has three forms. The *wire* form is what an operation holds (text, integer, truth value
or None; a quantity is `"12.50 kg"`). The *cell* form is text as PostgreSQL reads it (`column` is Django's
own name for something else). The *row* form is what Django reads. `accept` is the gate: whatever PostgreSQL
would refuse is refused here, with a code, because one bad value inside COPY would otherwise fail its
whole batch.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db import models

from medloom.kernel.meaning import Meaning, Refused
from medloom.wire.letters import visible
from medloom.wire.sheet import Owner

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?")
_EXPIRY = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@lru_cache(maxsize=4_096)
def _exists(day: str) -> bool:
    try:
        dt.date.fromisoformat(day)
    except ValueError:
        return False
    return True


class Code(Meaning, models.CharField):
    """An identifier kept verbatim: 1 to `max_length` printable characters, no blanks at the ends."""

    plain = True

    def __init__(
        self, *args: Any, max_length: int = 64, owner: Owner | None = None, group: str = "", **kwargs: Any
    ):
        kwargs["max_length"] = max_length
        super().__init__(*args, **kwargs)
        self.length_max = max_length
        self.mean(owner, group)

    def accept(self, value: Any) -> str:
        """The code itself. Raises Refused: type_wrong, empty, too_long, character_illegal."""
        if type(value) is not str:
            raise Refused("type_wrong", self.domain())
        if not value or value != value.strip():
            raise Refused("empty" if not value.strip() else "blank_at_end", self.domain())
        if len(value) > self.length_max:
            raise Refused("too_long", self.domain())
        if not (value.isascii() and value.isprintable()) and (
            not visible(value) or not unicodedata.is_normalized("NFC", value)
        ):
            raise Refused("character_illegal", self.domain())
        return value

    def domain(self) -> str:
        """The domain in words."""
        return f"text of 1 to {self.max_length} printable characters"


class Text(Code):
    """Words for people; may be empty and may hold line breaks."""

    def accept(self, value: Any) -> str:
        """The text. Raises Refused: type_wrong, too_long, character_illegal."""
        if type(value) is not str:
            raise Refused("type_wrong", self.domain())
        if len(value) > self.length_max:
            raise Refused("too_long", self.domain())
        if "\x00" in value:
            raise Refused("character_illegal", self.domain())
        return value

    def domain(self) -> str:
        """The domain in words."""
        return f"text of at most {self.max_length} characters"


class Choice(Code):
    """One of a closed list of words; an unknown one is quarantined."""

    def __init__(self, *args: Any, choices: Sequence[tuple[str, Any]], **kwargs: Any):
        kwargs.setdefault("max_length", 32)
        super().__init__(*args, choices=choices, **kwargs)
        self.words = frozenset(word for word, _ in choices)

    def accept(self, value: Any) -> str:
        """The word. Raises Refused: not_a_choice."""
        if type(value) is not str or value not in self.words:
            raise Refused("not_a_choice", self.domain())
        return value

    def domain(self) -> str:
        """The words."""
        return "|".join(sorted(self.words))


class Count(Meaning, models.BigIntegerField):
    """A whole number of countable things, from `low` to `high`."""

    def __init__(
        self,
        *args: Any,
        low: int = 0,
        high: int = 10**12,
        owner: Owner | None = None,
        group: str = "",
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.low, self.high = low, high
        self.mean(owner, group)

    def accept(self, value: Any) -> int:
        """The number. Raises Refused: type_wrong (a truth value and 1.0 are not counts), out_of_range."""
        if type(value) is not int:
            raise Refused("type_wrong", self.domain())
        if not self.low <= value <= self.high:
            raise Refused("out_of_range", self.domain())
        return value

    def domain(self) -> str:
        """The range."""
        return f"whole number {self.low} to {self.high}"


class Quantity(Meaning, models.DecimalField):
    """A measured amount in one UCUM unit, to `places` decimals, from `low` to `high`.

    On the wire `"12.50 kg"`: no unit, another unit or finer digits are refused, never guessed.
    """

    def __init__(
        self,
        *args: Any,
        unit: str = "1",
        places: int = 3,
        low: str = "0",
        high: str = "999999999999",
        owner: Owner | None = None,
        group: str = "",
        **kwargs: Any,
    ):
        kwargs["max_digits"], kwargs["decimal_places"] = 18 + places, places
        super().__init__(*args, **kwargs)
        self.unit, self.places = unit, places
        self.low, self.high = Decimal(low), Decimal(high)
        self._low, self._high = float(self.low), float(self.high)
        self._tail = f" {unit}"
        self.mean(owner, group)

    def deconstruct(self) -> Any:
        """Django's own account, without the digits that `places` already says."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("max_digits", None)
        kwargs.pop("decimal_places", None)
        return name, path, args, {**kwargs, "unit": self.unit, "places": self.places}

    def accept(self, value: Any) -> str:
        """Number and unit, padded to the field's decimals.

        Raises Refused: type_wrong, unit_missing, unit_wrong, number_wrong, too_precise, out_of_range.
        """
        if type(value) is not str:
            raise Refused("type_wrong", self.domain())
        if not value.endswith(self._tail):
            raise Refused("unit_wrong" if " " in value else "unit_missing", self.domain())
        number = value[: -len(self._tail)]
        if not _NUMBER.fullmatch(number):
            raise Refused("number_wrong", self.domain())
        whole, _, digits = number.partition(".")
        if len(digits) > self.places:
            if digits[self.places :].strip("0"):
                raise Refused("too_precise", self.domain())
            digits = digits[: self.places]
        if not self._low <= float(number) <= self._high:
            raise Refused("out_of_range", self.domain())
        body = f"{whole}.{digits:0<{self.places}}" if self.places else whole
        return f"{body}{self._tail}"

    def cell(self, value: Any) -> str:
        """The number alone; the unit is the column's."""
        return str(value[: -len(self._tail)])

    def wire(self, value: Any) -> Any:
        """Number with the field's decimals, and unit."""
        return None if value is None else f"{value:.{self.places}f}{self._tail}"

    def domain(self) -> str:
        """Unit, decimals and range."""
        return f'"number {self.unit}", {self.places} decimals, {self.low} to {self.high}'


class Number(Meaning, models.DecimalField):
    """A decimal whose unit stands beside it in the field `unit_in`; the two are stale together.

    For measured characteristics, whose unit is master data. On the wire text: `"12.500"`.
    """

    plain = True

    def __init__(self, *args: Any, unit_in: str = "unit", places: int = 6, owner: Owner | None = None,
                 group: str = "measured", **kwargs: Any):  # fmt: skip
        kwargs["max_digits"], kwargs["decimal_places"] = 18 + places, places
        super().__init__(*args, **kwargs)
        self.unit_in, self.places = unit_in, places
        self.mean(owner, group)

    def deconstruct(self) -> Any:
        """Django's own account, without the digits that `places` already says."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("max_digits", None)
        kwargs.pop("decimal_places", None)
        return name, path, args, {**kwargs, "places": self.places}

    def accept(self, value: Any) -> str:
        """The number without idle zeros at its end. Raises Refused: type_wrong, number_wrong, too_precise."""
        if type(value) is not str:
            raise Refused("type_wrong", self.domain())
        if not _NUMBER.fullmatch(value):
            raise Refused("number_wrong", self.domain())
        if "." in value:
            value = value.rstrip("0").rstrip(".")
            if len(value.partition(".")[2]) > self.places:
                raise Refused("too_precise", self.domain())
        return "0" if value == "-0" else value

    def wire(self, value: Any) -> Any:
        """The number without idle zeros at its end."""
        if value is None:
            return None
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def domain(self) -> str:
        """Decimals, and where the unit stands."""
        return f'"number", at most {self.places} decimals, unit in {self.unit_in}'


class Flag(Meaning, models.BooleanField):
    """Yes or no."""

    def __init__(self, *args: Any, owner: Owner | None = None, group: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.mean(owner, group)

    def accept(self, value: Any) -> bool:
        """The truth value. Raises Refused: type_wrong."""
        if type(value) is not bool:
            raise Refused("type_wrong", self.domain())
        return value

    def cell(self, value: Any) -> str:
        """t or f."""
        return "t" if value else "f"

    def domain(self) -> str:
        """The two values."""
        return "true|false"


class Day(Meaning, models.DateField):
    """A calendar day at the place where it happened, `2026-11-23`."""

    plain = True

    def __init__(self, *args: Any, owner: Owner | None = None, group: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.mean(owner, group)

    def accept(self, value: Any) -> str:
        """The day. Raises Refused: type_wrong, day_impossible."""
        if type(value) is not str or not _DAY.fullmatch(value):
            raise Refused("type_wrong", self.domain())
        if not _exists(value):
            raise Refused("day_impossible", self.domain())
        return value

    def wire(self, value: Any) -> Any:
        """ISO 8601."""
        return None if value is None else value.isoformat()

    def domain(self) -> str:
        """The form."""
        return "day YYYY-MM-DD"


class Expiry(Code):
    """Until when something may be used, with the precision it was given: `2027-05-31` or `2027-05`.

    GS1 writes a month alone as YYMM00; it means the month's last day, and is never turned into one.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        kwargs["max_length"] = 10
        super().__init__(*args, **kwargs)

    def accept(self, value: Any) -> str:
        """The day or month. Raises Refused: type_wrong, day_impossible."""
        if type(value) is not str or not _EXPIRY.fullmatch(value):
            raise Refused("type_wrong", self.domain())
        if not _exists(value if len(value) == 10 else f"{value}-01"):
            raise Refused("day_impossible", self.domain())
        return value

    @staticmethod
    def last_day(value: str) -> dt.date:
        """The last day on which it may be used."""
        if len(value) == 10:
            return dt.date.fromisoformat(value)
        year, month = int(value[:4]), int(value[5:7])
        return dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)

    def domain(self) -> str:
        """The forms."""
        return "day YYYY-MM-DD or month YYYY-MM"


class Instant(Meaning, models.DateTimeField):
    """A moment, RFC 3339 with its offset; kept in UTC."""

    plain = True

    def __init__(self, *args: Any, owner: Owner | None = None, group: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.mean(owner, group)

    def accept(self, value: Any) -> str:
        """The moment in UTC, with microseconds where given. Raises Refused: type_wrong, time_impossible."""
        if type(value) is not str or not 20 <= len(value) <= 35:
            raise Refused("type_wrong", self.domain())
        try:
            moment = dt.datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise Refused("zone_missing", self.domain())
            return moment.astimezone(dt.UTC).isoformat()
        except (ValueError, OverflowError) as error:
            if isinstance(error, Refused):
                raise
            raise Refused("time_impossible", self.domain()) from None

    def wire(self, value: Any) -> Any:
        """ISO 8601 in UTC."""
        return None if value is None else value.astimezone(dt.UTC).isoformat()

    def domain(self) -> str:
        """The form."""
        return "moment with offset, RFC 3339"


class Ref(Meaning, models.ForeignKey):
    """Another object, by its natural key in the author's words.

    The hub resolves the key within the author's site, or the network where the type is the
    network's. Unknown: an observation makes a placeholder, a request waits (parked). No foreign key
    in the database: seven of them cost 0.69 of the door's speed; `medloom doctor` counts orphans.
    """

    def __init__(self, to: Any, *args: Any, owner: Owner | None = None, group: str = "", **kwargs: Any):
        kwargs.setdefault("on_delete", models.DO_NOTHING)
        kwargs.setdefault("related_name", "+")
        kwargs["db_constraint"] = False
        super().__init__(to, *args, **kwargs)
        self.mean(owner, group)

    def accept(self, value: Any) -> str:
        """The key. Raises Refused: type_wrong, empty, too_long, character_illegal."""
        if type(value) is not str:
            raise Refused("type_wrong", self.domain())
        if not value or value != value.strip() or len(value) > 128:
            raise Refused("key_wrong", self.domain())
        if not visible(value):
            raise Refused("key_wrong", self.domain())
        return value

    def domain(self) -> str:
        """What it points to."""
        return f"key of a {self.related_model._meta.model_name}"
