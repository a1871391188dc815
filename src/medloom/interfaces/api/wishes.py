"""From what a program asks for to operations of its party: pure but for one look at what it may see.

A wish that cannot become an operation is received all the same, with its bytes and why: everything that
comes in gets an entry, and the neighbours of a bad one are not touched.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from medloom.interfaces.api.caller import Caller
from medloom.kernel.act import derived_id
from medloom.kernel.case import Received
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.ledger import own
from medloom.parties.models import Site
from medloom.parties.roles import SIGNED
from medloom.wire import canonical
from medloom.wire.operation import Kind, Operation, Source
from medloom.wire.verdict import Refusal


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the program has the values from: the same feed, key and content is one fact, told once."""

    feed: str
    key: str
    hash: str = ""
    at: str = ""


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"state": "from"}):
    """One operation as a program asks for it.

    `id` or `key` name an object that stands; without them it is a new one, or one that its own natural key
    names. `base` is the version that the program knew; `command` and `from` make it a state command.
    """

    type: str
    fields: dict[str, Any] = {}
    id: str = ""
    key: str = ""
    site: str = ""
    base: int = 0
    command: str = ""
    state: str = ""
    reason: str = ""
    at: str = ""
    zone: str = ""
    source: Origin | None = None
    group: str = ""


@dataclass(frozen=True)
class Ground:
    """What wishes are read against: who asks, when, how ids are made, and what of it all they may see.

    seed    ids of operations follow from it and their place, so that a repeated request repeats them
    sites   code -> zone of the sites that the caller may name
    stands  (type, id or key, site asked for) -> (object, its site), of what the caller sees
    """

    caller: Caller
    now: dt.datetime
    seed: str
    sites: Mapping[str, str]
    stands: Mapping[tuple[str, str, str], tuple[str, str]]

    def operation_id(self, place: int) -> str:
        """The id of the operation at that place of the request."""
        return derived_id("api", self.caller.token.id.hex, self.seed, place)


@dataclass(frozen=True)
class Broken:
    """A line of a batch that is no JSON under the profile: its bytes and what is wrong with them."""

    raw: bytes
    fault: canonical.Malformed


class Unclear(Exception):
    """A wish is no operation; `refusal` says which part of it."""

    def __init__(self, code: str, path: str = "", expected: str = "", got: str = "") -> None:
        super().__init__(code)
        self.refusal = Refusal(code=code, path=path, expected=expected, got=got[:200])


_MEMBER = re.compile(r"Object (contains unknown|missing required) field `(.+)`", re.DOTALL)
_KIND = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")


def wish_of(told: Any) -> Wish:
    """A wish from plain data. Raises Unclear body_wrong with the place at fault."""
    try:
        return msgspec.convert(told, Wish)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        path = place.rstrip("`").replace(".", "/").replace("[", "/").replace("]", "")
        if found := _MEMBER.fullmatch(message):
            unknown = found[1] == "contains unknown"
            members = ", ".join(each.encode_name for each in msgspec.structs.fields(Wish))
            told = (
                f"one of {members}"
                if unknown and not path
                else "no such member"
                if unknown
                else "this member"
            )
            raise Unclear("body_wrong", f"{path}/{found[2][:60]}", told) from None
        found = _KIND.fullmatch(message)
        raise Unclear("body_wrong", path, *(found.groups() if found else (message,))) from None


def declared_for(caller: Caller, wish: Wish) -> Declared:
    """The type of a wish. Raises Unclear for one that the caller's party does not know."""
    declared = catalogue().get(wish.type)
    if declared is None or not (caller.registrant or declared.facts.readers != "registrant"):
        raise Unclear("type_unknown", "/type", got=wish.type)
    return declared


def ground_for(caller: Caller, wishes: Sequence[Wish], *, now: dt.datetime, seed: str) -> Ground:
    """Look up what these wishes name, as the caller sees it: a statement a type. Inside `seeing()`."""
    named: dict[str, set[str]] = {}
    for wish in wishes:
        if wish.type in catalogue() and caller.may_see(catalogue()[wish.type]):
            named.setdefault(wish.type, set()).update(n for n in (wish.id, wish.key) if n and "\x00" not in n)
    stands: dict[tuple[str, str, str], tuple[str, str]] = {}
    for type_, names in named.items():
        rows = catalogue()[type_].model._default_manager
        ids = [uuid.UUID(n) for n in names if _is_id(n)]
        found = rows.filter(object__in=ids) if ids else rows.none()
        for row in [*found, *rows.filter(key__in=names)] if names else ():
            here = (str(row.object), row.site)
            stands[type_, str(row.object), ""] = here
            stands[type_, row.key, row.site] = here
            several = stands.setdefault((type_, row.key, ""), here)
            if several != here:
                stands[type_, row.key, ""] = ("", row.site)
    sites = {s.key: s.zone or "UTC" for s in Site.objects.all() if caller.registrant or s.key == caller.site}
    return Ground(caller, now, seed, {caller.site: "UTC", **sites}, stands)


def _is_id(text: str) -> bool:
    try:
        return len(text) == 36 and bool(uuid.UUID(text))
    except ValueError:
        return False


def received(told: Any, place: int, ground: Ground) -> Received:
    """What the write door gets for one wish; a wish that is none comes with its bytes and why."""
    identity = ground.operation_id(place)
    if isinstance(told, Broken):
        return faulty(told.raw, _refusal(told.fault), identity)
    try:
        wish = told if isinstance(told, Wish) else wish_of(told)
        operation = _operation(wish, identity, ground)
        canonical.encode_operation(operation)
        return own(operation)
    except Unclear as unclear:
        return faulty(canonical.dumps(_plain(told)), unclear.refusal, identity)
    except canonical.Malformed as fault:
        return faulty(canonical.dumps(_plain(told)), _refusal(fault), identity)


def _refusal(fault: canonical.Malformed) -> Refusal:
    return Refusal(code=fault.code, path=fault.path, got=fault.detail[:200])


def faulty(raw: bytes, refusal: Refusal, identity: str) -> Received:
    """Bytes that are no operation, under the id that they would have had."""
    return Received(raw=raw, epoch=identity, chain="h", number=0, fault=refusal)


def _plain(told: Any) -> Any:
    return msgspec.to_builtins(told) if isinstance(told, Wish) else told


def _operation(wish: Wish, identity: str, ground: Ground) -> Operation:
    declared = declared_for(ground.caller, wish)
    kind = _kind(wish, declared)
    object_, home = _named(wish, ground)
    if not object_ and (kind is Kind.COMMAND or wish.base):
        raise Unclear("object_unknown", "/id", got=wish.id or wish.key)
    site = "" if declared.facts.network else home or wish.site or ground.caller.site
    if site and site not in ground.sites:
        raise Unclear("site_unknown", "/site", "|".join(sorted(ground.sites)), site)
    fields = dict(wish.fields)
    if kind is Kind.COMMAND:
        if wish.command in SIGNED.get(declared.type, ()):
            raise Unclear("person_signs", "/command", got=wish.command)
        fields |= {"command": wish.command, "from": wish.state}
    elif taken := {"command", "from"} & fields.keys():
        raise Unclear("member_unknown", f"/fields/{min(taken)}", "command and from beside fields")
    if not 0 <= wish.base < 2**31:
        raise Unclear("body_wrong", "/base", "0 to 2147483647", str(wish.base))
    return Operation(
        id=identity,
        type=declared.type,
        object=object_ or derived_id("api-object", identity),
        kind=kind,
        fields=fields,
        site=site,
        base=wish.base,
        at=wish.at or ground.now.isoformat(timespec="milliseconds"),
        zone=wish.zone or ground.sites.get(site, "UTC"),
        actor=ground.caller.actor,
        reason=wish.reason,
        source=_source(wish, fields),
        group=derived_id("api-group", ground.seed, wish.group) if wish.group else "",
    )


def _kind(wish: Wish, declared: Declared) -> Kind:
    if wish.command or wish.state:
        if Kind.COMMAND not in declared.facts.kinds or declared.facts.lifecycle is None:
            raise Unclear("command_unknown", "/command", got=wish.command)
        if not (wish.command and wish.state):
            raise Unclear("body_wrong", "/from" if wish.command else "/command", "command and from")
        return Kind.COMMAND
    return Kind.SET if Kind.SET in declared.facts.kinds else Kind.OBSERVE


def _named(wish: Wish, ground: Ground) -> tuple[str, str]:
    """(object, its site) of what the wish names; two empty texts when it names nothing."""
    if not (wish.id or wish.key):
        return "", ""
    if wish.id:
        found = ground.stands.get((wish.type, wish.id, ""))
    else:
        found = ground.stands.get((wish.type, wish.key, wish.site))
    if found is None:
        path = "/id" if wish.id else "/key"
        raise Unclear("object_unknown", path, got=wish.id or wish.key)
    if not found[0]:
        raise Unclear("key_ambiguous", "/site", "the object's site", wish.key)
    return found


def _source(wish: Wish, fields: Mapping[str, Any]) -> Source | None:
    """The operation's source identity; its hash is taken of the fields where the program gives none."""
    origin = wish.source
    if origin is None:
        return None
    digest = origin.hash or hashlib.sha256(canonical.dumps(dict(fields))).hexdigest()
    return Source(feed=origin.feed, key=origin.key, hash=digest, at=origin.at)
