"""Bytes to JSON, strictly, and the two small readings that every part needs: moments and prefixes."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from typing import Any, NoReturn

DEPTH_MOST = 24
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})")


class Unreadable(ValueError):
    """The bytes are not the JSON that a document may be; `code` is stable."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


def decode(raw: bytes) -> Any:
    """JSON, strictly: no NaN, no infinite number, no key twice, no depth without end. Raises Unreadable."""
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite,
            parse_int=_short,
        )  # fmt: skip
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", f"byte {error.start}") from None
    except RecursionError:
        raise Unreadable("too_deep", f"more than {DEPTH_MOST} levels") from None
    except json.JSONDecodeError as error:
        raise Unreadable("not_json", f"{error.msg} at character {error.pos}") from None
    if _deeper(value, DEPTH_MOST):
        raise Unreadable("too_deep", f"more than {DEPTH_MOST} levels")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise Unreadable("duplicate_key", next(name for name in names if names.count(name) > 1)[:80])
    return found


def _refuse(text: str) -> NoReturn:
    raise Unreadable("not_json", f"{text} is not JSON")


def _finite(text: str) -> float:
    found = float(text)
    if math.isinf(found):
        raise Unreadable("number_too_large", text[:40])
    return found


def _short(text: str) -> int:
    if len(text) > 40:
        raise Unreadable("number_too_large", text[:40])
    return int(text)


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(member, levels - 1) for member in members)


def moment(text: object) -> dt.datetime | None:
    """The moment, or None for what is no RFC 3339 time with its offset."""
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return None
    try:
        return dt.datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text))
    except ValueError:
        return None


def prefixes(context: Any) -> dict[str, str]:
    """Prefix -> namespace, as a context declares them."""
    found: dict[str, str] = {}
    for part in context if isinstance(context, list) else [context]:
        if isinstance(part, dict):
            found.update({k: v for k, v in part.items() if isinstance(v, str) and not k.startswith("@")})
    return found
