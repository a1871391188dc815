"""From an original cell to the one meaning: each rule is named, and leaves the original beside its result.

Pure. A value that would have to be guessed is refused with what was expected; nothing is repaired
silently (a destroyed date `00:00.0`, a code that a spreadsheet rounded).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from medloom.agent import units
from medloom.agent.declaration import Field, LotRule
from medloom.agent.sources.rows import original_text
from medloom.formats.cells import Converted, Unreadable

TEXT_CHARACTERS_MAX = 2_000
#: Excel counts days from here (its day 60, 1900-02-29, never was; days before it are refused).
EXCEL_EPOCH = date(1899, 12, 30)
SERIAL_DAYS = range(61, 73_051)  # 1900-03-01 to 2099-12-31
DATE_YEARS = range(1900, 2101)
_WHOLE = re.compile(r"^\d{1,20}\.0+$")
_ROUNDED = re.compile(r"^\d(\.\d+)?[eE]\+?\d+$")
_DESTROYED = re.compile(r"^\d{1,2}:\d{2}\.\d$")
_NUMBER = re.compile(r"^[+-]?(\d{1,30}(\.\d{1,20})?|\.\d{1,20})$")
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日")
_TIMES = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f")
_TRUE = frozenset(("true", "yes", "y", "1", "是", "✓", "x"))
_FALSE = frozenset(("false", "no", "n", "0", "否", "✗"))


class ValueRefused(ValueError):
    """A cell that cannot be understood without guessing. `code` is stable, `expected` says what was asked."""

    def __init__(self, code: str, *, expected: str, got: Any) -> None:
        super().__init__(code)
        self.code, self.expected, self.got = code, expected, original_text(got)[:200]


@dataclass(frozen=True)
class Context:
    """What a feed declares for all its cells: words that mean missing (case-folded), the rule for lots,
    the zone of its clocks, and whether its dates are day numbers of a spreadsheet under a date style."""

    missing: frozenset[str] = frozenset()
    lots: LotRule = field(default_factory=LotRule)
    zone: str = "UTC"
    serials: bool = False


def clean(value: Any, rule: Field, context: Context) -> tuple[Any, list[str]]:
    """The value in its one meaning (None when missing) and the names of the rules that changed it."""
    rules: list[str] = []
    if isinstance(value, Unreadable):
        raise ValueRefused(value.code, expected=value.expected, got=value.got)
    if isinstance(value, Converted):
        rules.append(value.rule)
        value = value.value
    if isinstance(value, str):
        value = _tidy(value, rules, lines=rule.kind == "text")
        if value.casefold() in context.missing:
            return None, [*rules, "missing"]
    if value is None or value == "":
        return None, rules
    return _KINDS[rule.kind](value, rule, rules, context), rules


def _tidy(value: str, rules: list[str], *, lines: bool) -> str:
    """Without invisible characters, outer blanks and runs of blanks; full-width forms as plain ones."""
    if len(value) > TEXT_CHARACTERS_MAX:
        raise ValueRefused("text_too_long", expected=f"<= {TEXT_CHARACTERS_MAX} characters", got=value)
    visible = "".join(c for c in value if unicodedata.category(c) not in ("Cf", "Cc", "Cs") or c in "\t\n\r")
    if visible != value:
        rules.append("invisible")
    composed = unicodedata.normalize("NFC" if lines else "NFKC", visible)
    if composed != visible:
        rules.append("width")
    trimmed = composed.strip()
    if trimmed != composed:
        rules.append("trim")
    collapsed = re.sub(r"\s+", " ", trimmed)
    if collapsed != trimmed:
        rules.append("blanks")
    return collapsed


def _text(value: Any, rule: Field, rules: list[str], context: Context) -> str:
    text = original_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        rules.append("number_text")
    if rule.case != "keep":
        cased = text.upper() if rule.case == "upper" else text.lower()
        if cased != text:
            rules.append("case")
        text = cased
    return _bounded(text, rule)


def _bounded(text: str, rule: Field) -> str:
    if rule.characters_max and len(text) > rule.characters_max:
        raise ValueRefused("text_too_long", expected=f"<= {rule.characters_max} characters", got=text)
    if rule.pattern and not re.fullmatch(rule.pattern, text):
        raise ValueRefused("pattern", expected=rule.pattern, got=text)
    return text


def _code(value: Any, rule: Field, rules: list[str], context: Context) -> str:
    """A code is text even where a spreadsheet stores it as a number: 10045.0 is '10045'."""
    if isinstance(value, bool | date | time | timedelta):
        raise ValueRefused("code_type", expected="a code as text or whole number", got=value)
    if isinstance(value, float | int | Decimal):
        if value != value or value % 1:
            raise ValueRefused("code_fraction", expected="a whole number or text", got=value)
        if abs(value) >= 10**15:
            raise ValueRefused("code_rounded", expected="a code kept as text (15 digits at most)", got=value)
        rules.append("number_code")
        text = str(int(value))
    else:
        text = value
        if _WHOLE.match(text):
            rules.append("number_code")
            text = text.split(".", 1)[0]
        elif _ROUNDED.match(text) and "+" in text:
            raise ValueRefused("code_rounded", expected="a code kept as text", got=value)
    return _text(text, rule, rules, context)


def _lot(value: Any, rule: Field, rules: list[str], context: Context) -> str:
    """A lot number by the feed's declared rule; what differs by more stays apart and is proposed."""
    text, lots = _code(value, rule, rules, context), context.lots
    plain = text.replace(" ", "") if lots.blanks == "remove" else text
    if lots.case == "upper":
        plain = plain.upper()
    if lots.dashes == "remove":
        plain = re.sub(r"[-‐-―_/.]", "", plain)
    if plain != text:
        rules.append("lot")
    return plain


def _decimal(value: Any, rule: Field, rules: list[str]) -> Decimal:
    if isinstance(value, bool | date | time | timedelta):
        raise ValueRefused("number_type", expected="a number", got=value)
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueRefused("number_type", expected="a finite number", got=value)
        # A spreadsheet keeps and shows 15 digits: 31.919999999999998 is 31.92 as everyone saw it.
        exact = Decimal(format(value, ".15g"))
        if exact != Decimal(repr(value)):
            rules.append("float_digits")
        return exact
    if isinstance(value, int | Decimal):
        return Decimal(value)
    text = value
    if rule.thousands and rule.thousands in text:
        text = text.replace(rule.thousands, "")
        rules.append("thousands")
    if rule.comma != ".":
        text = text.replace(rule.comma, ".")
    if not _NUMBER.match(text):
        raise ValueRefused("number_format", expected="a number such as 12.5", got=value)
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueRefused("number_format", expected="a number such as 12.5", got=value) from error


def _number(value: Any, rule: Field, rules: list[str], context: Context) -> str:
    number = _decimal(value, rule, rules)
    if rule.unit and rule.unit.source != rule.unit.target:
        number = units.convert(number, source=rule.unit.source, target=rule.unit.target)
        rules.append("unit")
    if rule.resolution:
        step = Decimal(rule.resolution)
        rounded = (number / step).to_integral_value() * step
        if rounded != number:
            rules.append("rounded")
            number = rounded
    return _plain(number)


def _quantity(value: Any, rule: Field, rules: list[str], context: Context) -> str:
    """Number and unit as one text, `"12.5 kg"`: a quantity never travels without its unit."""
    return f"{_number(value, rule, rules, context)} {rule.unit.target if rule.unit else '1'}"


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _integer(value: Any, rule: Field, rules: list[str], context: Context) -> int:
    number = _decimal(value, rule, rules)
    if rule.unit and rule.unit.source != rule.unit.target:
        number = units.convert(number, source=rule.unit.source, target=rule.unit.target)
        rules.append("unit")
    if number != number.to_integral_value() or abs(number) >= 2**53:
        raise ValueRefused("number_fraction", expected="a whole number below 2^53", got=value)
    return int(number)


def _date(value: Any, rule: Field, rules: list[str], context: Context) -> str:
    return _moment(value, rule, rules, context).date().isoformat()


def _datetime(value: Any, rule: Field, rules: list[str], context: Context) -> str:
    moment = _moment(value, rule, rules, context)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(context.zone))
    return moment.isoformat()


def _moment(value: Any, rule: Field, rules: list[str], context: Context) -> datetime:
    expected = " or ".join(rule.formats) or "a date such as 2018-11-01"
    if isinstance(value, time | timedelta | bool):
        raise ValueRefused("date_destroyed", expected=expected, got=value)
    if isinstance(value, datetime):
        moment = value
        rules += ["serial_date"] * context.serials
    elif isinstance(value, date):
        moment = datetime.combine(value, time())
        rules += ["serial_date"] * context.serials
    elif isinstance(value, int | float | Decimal):
        moment = _serial(float(value), expected)
        rules.append("serial_date")
    else:
        moment = _written(value, rule, expected)
    if moment.year not in DATE_YEARS:
        raise ValueRefused("date_range", expected=f"{DATE_YEARS[0]} to {DATE_YEARS[-1]}", got=value)
    if rule.kind == "date" and moment.time() != time():
        rules.append("time_cut")
    return moment


def _serial(value: float, expected: str) -> datetime:
    if value != value or int(value) not in SERIAL_DAYS:
        raise ValueRefused("date_range", expected=expected, got=value)
    seconds = round((value % 1) * 86_400)
    return datetime.combine(EXCEL_EPOCH, time()) + timedelta(days=int(value), seconds=seconds)


def _written(text: str, rule: Field, expected: str) -> datetime:
    if _DESTROYED.match(text):
        raise ValueRefused("date_destroyed", expected=expected, got=text)
    if re.fullmatch(r"\d{5}(\.\d+)?", text) and not rule.formats:
        return _serial(float(text), expected)
    day_forms = rule.formats or _DATES
    forms = (
        day_forms
        if rule.formats
        else (*_DATES, *(f"{d}{s}{t}" for d in _DATES for s in " T" for t in _TIMES))
    )
    for form in forms:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 (the zone is the mapping's)
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueRefused("date_format", expected=expected, got=text) from error


def _choice(value: Any, rule: Field, rules: list[str], context: Context) -> str:
    word = original_text(value).strip()
    if _WHOLE.match(word):
        word = word.split(".", 1)[0]
    found = {key.casefold(): target for key, target in rule.choices.items()}.get(word.casefold())
    if found is None:
        raise ValueRefused("choice_unknown", expected="|".join(rule.choices), got=value)
    if found != word:
        rules.append("choice")
    return found


def _boolean(value: Any, rule: Field, rules: list[str], context: Context) -> bool:
    word = original_text(value).strip().casefold()
    if word in _TRUE or word in _FALSE:
        if not isinstance(value, bool):
            rules.append("boolean")
        return word in _TRUE
    raise ValueRefused("boolean_unknown", expected="yes|no", got=value)


def shown_original(value: Any, rules: list[str]) -> str:
    """The original as the source stores it: a date cell of a spreadsheet is a day number under a style."""
    if "serial_date" in rules and isinstance(value, datetime):
        gone = value.replace(tzinfo=None) - datetime.combine(EXCEL_EPOCH, time())
        return f"{gone / timedelta(days=1):.10g}"
    if "serial_date" in rules and isinstance(value, date):
        return str((value - EXCEL_EPOCH).days)
    if isinstance(value, float):
        return repr(value)
    return original_text(value)


_KINDS: dict[str, Callable[..., Any]] = {
    "text": _text,
    "code": _code,
    "lot": _lot,
    "quantity": _quantity,
    "number": _number,
    "integer": _integer,
    "date": _date,
    "datetime": _datetime,
    "choice": _choice,
    "boolean": _boolean,
}
