"""A correction that can be proposed for a refused value: pure; a person decides."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medloom.kernel.fields import Choice, Count, Day, Flag, Quantity
from medloom.kernel.meaning import Refused
from medloom.wire.letters import visible

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_YES = {
    "yes": True,
    "y": True,
    "true": True,
    "1": True,
    "是": True,
    "no": False,
    "n": False,
    "false": False,
    "0": False,
    "否": False,
}


@dataclass(frozen=True)
class Proposal:
    """A value that the field would take, and the rule that made it."""

    value: Any
    rule: str


def propose(field: Any, value: Any) -> Proposal | None:
    """A correction of `value` that `field` accepts, or None. Never invents digits, only reads them anew."""
    for rule, made in _candidates(field, value):
        try:
            accepted = field.accept(made)
        except Refused:
            continue
        if accepted != value:
            return Proposal(accepted, rule)
    return None


def _candidates(field: Any, value: Any) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    text = unicodedata.normalize("NFKC", str(value)).strip() if value is not None else ""
    if isinstance(field, Quantity):
        number = text.replace(",", "").split(" ")[0]
        if _NUMBER.fullmatch(number):
            found.append(("unit", f"{number} {field.unit}"))
    elif isinstance(field, Count):
        number = text.replace(",", "").split(" ")[0].removesuffix(".0")
        if re.fullmatch(r"-?[0-9]{1,15}", number):
            found.append(("whole", int(number)))
    elif isinstance(field, Flag):
        if text.lower() in _YES:
            found.append(("yes_no", _YES[text.lower()]))
    elif isinstance(field, Day):
        found += _days(text)
    elif isinstance(field, Choice):
        found += _words(field, text)
    else:
        found.append(("clean", "".join(char for char in text if visible(char)).strip()))
    return found


def _days(text: str) -> list[tuple[str, Any]]:
    parts = re.fullmatch(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T].*)?", text)
    return [("day", f"{parts[1]}-{int(parts[2]):02}-{int(parts[3]):02}")] if parts else []


def _words(field: Choice, text: str) -> list[tuple[str, Any]]:
    labels: Mapping[str, str] = {str(label).lower(): word for word, label in field.choices or ()}
    known = {**{w.lower(): w for w in field.words}, **labels}
    if text.lower() in known:
        return [("word", known[text.lower()])]
    near = difflib.get_close_matches(text.lower(), known, n=1, cutoff=0.8)
    return [("near_word", known[near[0]])] if near else []
