"""EPCIS events from our own records: what was made of what, received, shipped, packed, inspected.

Pure: the caller gives records as plain values. A lot is named by its Digital Link where the item has a
GTIN, else by `urn:medloom:lot:<site>:<number>`, which our own capture finds again.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from medloom.formats.epcis.identifiers import check_digit
from medloom.formats.epcis.vocabulary import CONTEXT

#: Namespace of what we add to an event; declared by every document that we make.
OURS = {"medloom": "urn:medloom:epcis:"}
#: UCUM -> UN/ECE Recommendation 20; pieces have no unit in EPCIS.
UNITS = {"kg": "KGM", "g": "GRM", "mg": "MGM", "m": "MTR", "mm": "MMT", "L": "LTR", "mL": "MLT"}
_LOT = re.compile(r"urn:medloom:lot:([A-Z0-9][A-Z0-9_-]{0,15}):(\S+)", re.ASCII)
_UNIT = re.compile(r"urn:medloom:unit:([A-Z0-9][A-Z0-9_-]{0,15}):([^\s:]+):(\S+)", re.ASCII)


class Thing(msgspec.Struct, frozen=True):
    """A lot, or one unit of it: site and number as we know them, GTIN where the item has one.

    quantity  decimal text in `unit` (UCUM; "1" is pieces); "" when not stated
    """

    site: str
    lot: str
    gtin: str = ""
    serial: str = ""
    quantity: str = ""
    unit: str = "1"


class When(msgspec.Struct, frozen=True):
    """When something happened: an aware moment, whose offset is the place's."""

    at: dt.datetime

    def members(self) -> dict[str, str]:
        """eventTime and eventTimeZoneOffset."""
        if self.at.tzinfo is None:
            raise ValueError("an event's moment knows its offset")
        minutes = int((self.at.utcoffset() or dt.timedelta()).total_seconds()) // 60
        hours, rest = divmod(abs(minutes), 60)
        return {
            "eventTime": self.at.isoformat(timespec="milliseconds"),
            "eventTimeZoneOffset": f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}",
        }


def epc(thing: Thing) -> str:
    """The identifier of a lot (a class) or of one unit."""
    gtin = thing.gtin.zfill(14) if thing.gtin.isdecimal() and 8 <= len(thing.gtin) <= 14 else ""
    if gtin and check_digit(gtin[:-1]) == gtin[-1]:
        ai, value = ("21", thing.serial) if thing.serial else ("10", thing.lot)
        return f"https://id.gs1.org/01/{gtin}/{ai}/{quote(value, safe='')}"
    if thing.serial:
        lot = quote(thing.lot, safe="")
        return f"urn:medloom:unit:{thing.site}:{lot}:{quote(thing.serial, safe='')}"
    return f"urn:medloom:lot:{thing.site}:{quote(thing.lot, safe='')}"


def own_name(text: str) -> Thing | None:
    """The lot or unit that one of our own names means; None for any other identifier."""
    if found := _UNIT.fullmatch(text):
        return Thing(found[1], unquote(found[2]), serial=unquote(found[3]))
    if found := _LOT.fullmatch(text):
        return Thing(found[1], unquote(found[2]))
    return None


def place(site: str, location: str = "") -> dict[str, str]:
    """A read point or business location: the site, or a place in it."""
    return {"id": f"urn:medloom:place:{site}" + (f":{quote(location, safe='')}" if location else "")}


def _what(things: Sequence[Thing], single: str, whole: str) -> dict[str, Any]:
    """The two lists that say which units and which lots."""
    found: dict[str, Any] = {}
    for thing in things:
        if thing.serial:
            found.setdefault(single, []).append(epc(thing))
            continue
        entry: dict[str, Any] = {"epcClass": epc(thing)}
        if thing.quantity:
            number = float(thing.quantity)
            entry["quantity"] = int(number) if number.is_integer() else number
            if thing.unit in UNITS:
                entry["uom"] = UNITS[thing.unit]
        found.setdefault(whole, []).append(entry)
    return found


def _event(
    type_: str, *, object_: str, when: When, site: str, step: str, extra: Mapping[str, Any], **members: Any
) -> dict[str, Any]:
    event: dict[str, Any] = {"type": type_, "eventID": f"urn:uuid:{object_}", **when.members()}
    event |= {name: value for name, value in members.items() if value}
    event |= {"bizStep": step, "readPoint": place(site), "bizLocation": place(site)}
    event |= {f"medloom:{name}": value for name, value in extra.items() if value not in (None, "", [])}
    return event


def transformation(
    *, object_: str, when: When, site: str, inputs: Sequence[Thing], outputs: Sequence[Thing],
    step: str = "commissioning", disposition: str = "", **extra: Any,
) -> dict[str, Any]:  # fmt: skip
    """What one step record made of what; `object_` is the record's id.

    EPCIS wants both sides unless a transformation is named: a record that tells one only is named by itself.
    """
    named = "" if inputs and outputs else f"urn:uuid:{object_}"
    return _event(
        "TransformationEvent", object_=object_, when=when, site=site, step=step, extra=extra,
        **_what(inputs, "inputEPCList", "inputQuantityList"),
        **_what(outputs, "outputEPCList", "outputQuantityList"),
        transformationID=named, disposition=disposition,
    )  # fmt: skip


def observation(
    *, object_: str, when: When, site: str, things: Sequence[Thing], action: str = "OBSERVE",
    step: str = "inspecting", disposition: str = "", order: str = "", shipment: str = "",
    consignee: str = "", sender: str = "", **extra: Any,
) -> dict[str, Any]:  # fmt: skip
    """What was seen of lots or units: `receiving`, `inspecting`, `shipping`, `holding`, `destroying` ...

    `shipment` (the despatch advice), `consignee` (to whom it goes) and `sender` (who gave it back) are told
    by their numbers.
    """
    named = (("po", "order", order), ("desadv", "shipment", shipment))
    transactions = [
        {"type": type_, "bizTransaction": f"urn:medloom:{word}:{quote(number, safe=':')}"}
        for type_, word, number in named
        if number
    ]
    ends = {
        name: [{"type": "owning_party", word: f"urn:medloom:consignee:{quote(party, safe='')}"}]
        for name, word, party in (
            ("sourceList", "source", sender),
            ("destinationList", "destination", consignee),
        )
        if party
    }
    return _event(
        "ObjectEvent", object_=object_, when=when, site=site, step=step, extra=extra, action=action,
        **_what(things, "epcList", "quantityList"),
        disposition=disposition, bizTransactionList=transactions, **ends,
    )  # fmt: skip


def packing(
    *, object_: str, when: When, site: str, parent: str, children: Sequence[Thing],
    action: str = "ADD", step: str = "packing", disposition: str = "", **extra: Any,
) -> dict[str, Any]:  # fmt: skip
    """What was packed into `parent` (a URI, such as an SSCC), or unpacked with action DELETE."""
    return _event(
        "AggregationEvent", object_=object_, when=when, site=site, step=step, extra=extra, action=action,
        parentID=parent, disposition=disposition, **_what(children, "childEPCs", "childQuantityList"),
    )  # fmt: skip


def document(
    events: Sequence[Mapping[str, Any]],
    *,
    created: dt.datetime,
    context: Mapping[str, str] | None = None,
    left_out: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """An EPCISDocument of these events. `created` is an aware moment.

    left_out  kind of record -> how many state no day and are no events; told in an extension of the document
    """
    told = {f"medloom:{kind}": count for kind, count in (left_out or {}).items()}
    return {
        "@context": [CONTEXT, {**OURS, **(context or {})}],
        **({"medloom:leftOut": {"medloom:why": "no day is recorded", **told}} if told else {}),
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": created.isoformat(timespec="milliseconds"),
        "epcisBody": {"eventList": list(events)},
    }
