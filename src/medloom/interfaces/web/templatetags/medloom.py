"""What every template needs: icons, tags with words, times in the plant's zone, addresses with one change."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from medloom.interfaces.web import telling, words
from medloom.wire import letters

register = template.Library()
_ICONS = Path(__file__).parent.parent / "static" / "vendor" / "icons"
_INNER = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


@lru_cache(maxsize=256)
def _drawing(name: str) -> str:
    """The inside of an icon's drawing; empty when the icons have not been built."""
    try:
        found = _INNER.search((_ICONS / f"{name}.svg").read_text())
    except OSError:
        return ""
    return re.sub(r"\s+", " ", found.group(1)).strip() if found else ""


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon drawn inline; decoration only, so screen readers skip it."""
    return mark_safe(  # noqa: S308 - our own icon files
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true">{_drawing(name)}</svg>'
    )


def tagged(word: words.Word) -> SafeString:
    """A coloured tag with its word."""
    return format_html('<span class="tag" data-tone="{}">{}</span>', word.tone, word.label)


@register.filter
def state_tag(code: str) -> SafeString:
    """The tag of a state."""
    return tagged(words.state_word(code)) if code else SafeString("")


@register.filter
def verdict_tag(code: str) -> SafeString:
    """The tag of a verdict."""
    return tagged(words.verdict_word(str(code)))


@register.filter
def kind_word(code: str) -> object:
    """The word of an operation's kind."""
    return words.KINDS[code].label if code in words.KINDS else code


@register.filter
def owner_word(code: str) -> object:
    """The word of a field's owner."""
    return words.OWNERS[code].label if code in words.OWNERS else code


@register.filter
def cause(code: str) -> words.Cause:
    """What a refusal or finding means and what to do."""
    return words.cause_of(code)


@register.filter
def hold_cause(text: str | None) -> str:
    """Why something is on hold, in the reader's language."""
    return telling.hold_words(text or "")


@register.filter
def expected(text: str) -> str:
    """What was expected, in the reader's language."""
    return telling.expected_words(str(text))


@register.filter
def promised(promise: str) -> object:
    """A freshness promise in words."""
    return telling.promise_words(str(promise))


@register.filter
def rule_word(rule: str) -> str:
    """The words of a normalisation's rule."""
    return telling.rule_words(rule)


@register.filter
def command_word(code: str) -> object:
    """The word on a command's button."""
    return words.command_word(code)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment_html(moment: dt.datetime, zone: str, *, seconds: bool = False) -> SafeString:
    """A moment in ISO form in the plant's zone; the page's script adds the viewer's own on hover."""
    local = moment.astimezone(_zone(zone))
    text = local.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
    offset = local.strftime("%z")
    return format_html(
        '<time datetime="{}" data-zone="{}">{} <span class="soft">{}</span></time>',
        moment.astimezone(dt.UTC).isoformat(),
        zone or "UTC",
        text,
        f"{offset[:3]}:{offset[3:]}" if offset[3:] != "00" else offset[:3],
    )


@register.simple_tag
def when(moment: Any, zone: str = "UTC", seconds: bool = False) -> Any:
    """A moment or day as ISO; text that is a moment is read first."""
    if isinstance(moment, str):
        try:
            moment = dt.datetime.fromisoformat(moment)
        except ValueError:
            return moment
    if isinstance(moment, dt.datetime):
        return moment_html(moment, zone, seconds=seconds)
    return moment.isoformat() if isinstance(moment, dt.date) else ""


@register.simple_tag(takes_context=True)
def address(context: dict[str, Any], **changes: Any) -> str:
    """The present address with some of its parameters changed; None removes one."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None and value != "":
            query[name] = value
    return f"?{query.urlencode()}" if query else "?"


@register.filter
def get(mapping: Any, name: Any) -> Any:
    """An item of a mapping by a name that is itself a variable."""
    return mapping.get(name, "") if mapping else ""


@register.filter
def amount(value: Any) -> str:
    """A count with thin groups of three, so that long numbers can be read."""
    return f"{value:,}" if isinstance(value, int) else str(value)


@register.filter(name="hex")
def as_hex(value: Any) -> str:
    """Bytes as hexadecimal digits."""
    return bytes(value).hex() if value else ""


@register.filter
def verdict_label(code: str) -> object:
    """The word of a verdict without its tag."""
    return words.verdict_word(code).label


@register.simple_tag
def bar_parts(bars: list[tuple[str, float, int]]) -> SafeString:
    """The parts of a verdict bar as drawing elements, side by side in a hundred units."""
    parts, at = [], 0.0
    for name, share, _count in bars:
        parts.append(format_html('<rect class="v-{}" x="{}" y="0" width="{}" height="6"/>', name, at, share))
        at += share
    return mark_safe("".join(parts))  # noqa: S308 - made of escaped parts


@register.filter
def look_alikes(text: Any) -> list[str]:
    """Letters of the text that look like Latin ones and are not, each with its number."""
    return letters.look_alikes(str(text or ""))
