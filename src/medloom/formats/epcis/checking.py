"""The tools of the check: members, words, URIs, times, each fault with a JSON pointer to its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from medloom.formats.epcis import vocabulary as words
from medloom.formats.epcis.decoding import moment
from medloom.formats.epcis.identifiers import URI

#: Faults told of one document; the rest follow when these are mended.
FAULTS_MOST = 100
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*):([^\s/][^\s]*)")


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong: stable code, JSON pointer, what was expected, what came."""

    code: str
    path: str
    expected: str
    got: str = ""


class Checker:
    """Collects the faults of one document or event."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.known: Mapping[str, str] = words.PREFIXES

    def fault(self, code: str, path: str, expected: str, got: object = "") -> None:
        """Note one, up to FAULTS_MOST."""
        if len(self.faults) < FAULTS_MOST:
            self.faults.append(Fault(code, path, expected, str(got)[:120]))

    def context(self, context: Any, path: str, *, needed: bool) -> None:
        """The context names the standard's, and declares prefixes as texts."""
        parts = context if isinstance(context, list) else [context]
        for at, part in enumerate(parts):
            if part is not None and not isinstance(part, str | dict):
                self.fault("type_wrong", f"{path}/{at}", "an address or an object of prefixes", part)
        named = any(isinstance(p, str) and p.startswith(words.CONTEXT_STARTS) for p in parts)
        if needed and not named:
            self.fault("missing", path, words.CONTEXT)

    def need(self, thing: Mapping[str, Any], path: str, *names: str) -> None:
        """Each of these members must be there."""
        for name in names:
            if thing.get(name) in (None, "", []):
                self.fault("missing", f"{path}/{name}", "a value")

    def members(self, thing: Mapping[str, Any], path: str, allowed: Iterable[str]) -> None:
        """Members are the standard's, or carry a declared prefix."""
        for name in thing:
            if name not in allowed:
                self.extension(name, path)

    def extension(self, name: str, path: str) -> None:
        """A member of somebody else's name space."""
        place = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if URI.fullmatch(name) and name.startswith(("http://", "https://", "urn:")):
            return
        found = _NAME.fullmatch(name)
        if not found:
            self.fault("member_unknown", place, "a member of the standard, or a name with a prefix", name)
        elif found[1] not in self.known:
            self.fault("namespace_unknown", place, "a prefix declared in @context", found[1])

    def one_of(self, thing: Mapping[str, Any], path: str, name: str, allowed: Iterable[str]) -> None:
        """A member that is one of a few words."""
        if thing.get(name) is not None and thing[name] not in allowed:
            self.fault("not_a_choice", f"{path}/{name}", "|".join(allowed), thing[name])

    def time(self, thing: Mapping[str, Any], path: str, name: str) -> None:
        """A member that is a moment with offset."""
        if name in thing and moment(thing[name]) is None:
            self.fault("time_wrong", f"{path}/{name}", "RFC 3339 time with offset", thing[name])

    def uri(self, value: object, path: str) -> None:
        """A URI."""
        if not isinstance(value, str) or not URI.fullmatch(value):
            self.fault("uri_wrong", path, "URI", value)

    def term(self, value: object, path: str, vocabulary: str) -> None:
        """A word of a GS1 vocabulary, in short or in full, or a term of another one."""
        if not isinstance(value, str):
            self.fault("type_wrong", path, "text", value)
            return
        allowed = words.WORDS[vocabulary]
        for start in words.FULL[vocabulary]:
            if value.startswith(start):
                if value.removeprefix(start) not in allowed:
                    self.fault("word_unknown", path, f"{start}<word of the CBV>", value)
                return
        if ":" in value:
            self.own_term(value, path)
        elif value not in allowed:
            self.fault("word_unknown", path, "|".join(sorted(allowed)) + ", or a URI", value)

    def own_term(self, value: str, path: str) -> None:
        """A URI; a name with a prefix that nobody declared reads as one too."""
        if not URI.fullmatch(value):
            self.fault("uri_wrong", path, "URI", value)

    def each(self, thing: Mapping[str, Any], path: str, name: str, check: Callable[[Any, str], None]) -> None:
        """Every member of a list, if there is one."""
        if name not in thing:
            return
        if not isinstance(thing[name], list):
            self.fault("type_wrong", f"{path}/{name}", "a list", thing[name])
            return
        for at, item in enumerate(thing[name]):
            check(item, f"{path}/{name}/{at}")
