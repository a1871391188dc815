"""What of an event is indexed, and the digest of its meaning.

The digest is of a form of our own: members in order, lists whose order means nothing sorted, times in UTC,
prefixes and words written out, `recordTime` left out. Two captures of one event have one digest however
they were written; an event without `eventID` gets one made from it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from medloom.formats.epcis import vocabulary as words
from medloom.formats.epcis.decoding import moment, prefixes
from medloom.formats.epcis.identifiers import identify

#: Ids that follow from a digest are made in this name space.
SPACE = uuid.UUID("2a9d3f3e-7f2d-5d0b-8a63-65706369733a")
#: Lists whose order means nothing (EPCIS 2.0, 7.3.5 to 7.3.7).
UNORDERED = frozenset(
    {*words.INSTANCE_LISTS, *words.CLASS_LISTS, "bizTransactionList", "sourceList", "destinationList"}
    | {"set", "unset", "correctiveEventIDs"}
)
_TERMS = {
    "bizStep": "bizStep",
    "disposition": "disposition",
    "set": "disposition",
    "unset": "disposition",
    "reason": "errorReason",
}


class Named(msgspec.Struct, frozen=True):
    """One identifier in an event: where it stands, as written, and in the form that is compared.

    role    epc, child, parent, input or output
    whole   a class of things with a quantity, not a single one
    ident   `01/<GTIN>/10/<lot>` or `01/<GTIN>/21/<serial>` for either spelling; others as written
    """

    role: str
    whole: bool
    epc: str
    ident: str
    quantity: str = ""
    uom: str = ""


class Indexed(msgspec.Struct, frozen=True):
    """What of one event can be asked for."""

    event_id: str
    digest: str
    type: str
    time: str
    action: str
    biz_step: str
    disposition: str
    read_point: str
    biz_location: str
    transformation: str
    declares_error: bool
    named: tuple[Named, ...]

    @property
    def number(self) -> str:
        """What the event is known by: half of the digest, enough to tell any events apart."""
        return self.digest[:32]


def ident_of(epc: str) -> str:
    """The form in which identifiers are compared: URN and Digital Link of one thing are the same."""
    found = identify(epc)
    if found.lot:
        return f"01/{found.gtin}/10/{found.lot}"
    if found.serial:
        return f"01/{found.gtin}/21/{found.serial}"
    return f"01/{found.gtin}" if found.gtin else epc


def index(event: Mapping[str, Any], known: Mapping[str, str]) -> Indexed:
    """Read an event that has been checked; `known` are the prefixes declared around it."""
    digest = digest_of(event, known)
    at = moment(event["eventTime"])
    assert at is not None, "a checked event has its time"
    return Indexed(
        event_id=event.get("eventID") or f"urn:uuid:{uuid.uuid5(SPACE, digest)}",
        digest=digest,
        type=event["type"],
        time=at.astimezone(dt.UTC).isoformat(),
        action=event.get("action", ""),
        biz_step=words.short("bizStep", event.get("bizStep", "")),
        disposition=words.short("disposition", event.get("disposition", "")),
        read_point=event.get("readPoint", {}).get("id", ""),
        biz_location=event.get("bizLocation", {}).get("id", ""),
        transformation=event.get("transformationID", ""),
        declares_error="errorDeclaration" in event,
        named=tuple(_named(event)),
    )


def _named(event: Mapping[str, Any]) -> Iterator[Named]:
    if parent := event.get("parentID"):
        yield Named("parent", False, parent, ident_of(parent))
    for name, role in words.INSTANCE_LISTS.items():
        for epc in event.get(name, ()):
            yield Named(role, False, epc, ident_of(epc))
    for name, role in words.CLASS_LISTS.items():
        for each in event.get(name, ()):
            quantity = str(each["quantity"]) if "quantity" in each else ""
            yield Named(
                role, True, each["epcClass"], ident_of(each["epcClass"]), quantity, each.get("uom", "")
            )


def digest_of(event: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """SHA-256 of the event's meaning, 64 hex digits."""
    spaces = words.PREFIXES | dict(known) | prefixes(event.get("@context"))
    plain = {name: value for name, value in event.items() if name not in ("recordTime", "@context")}
    text = json.dumps(_meant(plain, "", spaces), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: Mapping[str, Any], other: Mapping[str, Any], known: Mapping[str, str]) -> bool:
    """Whether two events mean the same, whatever the order of what has none."""
    return digest_of(one, known) == digest_of(other, known)


def _meant(value: Any, name: str, spaces: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {_expanded(key, spaces): _meant(member, key, spaces) for key, member in value.items()}
    if isinstance(value, list):
        found = [_meant(member, name, spaces) for member in value]
        return sorted(found, key=lambda v: json.dumps(v, sort_keys=True)) if name in UNORDERED else found
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value
    if name.endswith(("Time", "time")) and (at := moment(value)):
        return at.astimezone(dt.UTC).isoformat()
    return words.short(_TERMS[name], value) if name in _TERMS else value


def _expanded(name: str, spaces: Mapping[str, str]) -> str:
    prefix, colon, rest = name.partition(":")
    return f"{spaces[prefix]}{rest}" if colon and prefix in spaces else name
