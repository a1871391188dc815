"""The check of an EPCIS 2.0 document or event: every fault with a JSON pointer to its place.

Written from the standard's text (EPCIS 2.0.1, 7.3 to 7.4 and 12; CBV 2.0), not from its schema files.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from medloom.formats.epcis import vocabulary as words
from medloom.formats.epcis.checking import Checker, Fault
from medloom.formats.epcis.decoding import prefixes
from medloom.formats.epcis.identifiers import class_fault, instance_fault

_OFFSET = re.compile(r"[+-](?:0[0-9]|1[0-4]):[0-5][0-9]")
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UOM = re.compile(r"[A-Z0-9]{2,3}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")


def document_faults(document: Any) -> list[Fault]:
    """What is wrong with the document around its events; a list of events is there when this is empty."""
    check = Checker()
    if not isinstance(document, dict):
        return [Fault("type_wrong", "", "an EPCISDocument")]
    check.context(document.get("@context"), "/@context", needed=True)
    check.known = words.PREFIXES | prefixes(document.get("@context"))
    check.members(document, "", words.DOCUMENT)
    check.need(document, "", "type", "schemaVersion", "creationDate", "epcisBody")
    check.one_of(document, "", "type", ("EPCISDocument",))
    version = document.get("schemaVersion")
    if version is not None and not (isinstance(version, str) and re.fullmatch(r"2\.[0-9.]{1,6}", version)):
        check.fault("version_unknown", "/schemaVersion", "2.0", version)
    check.time(document, "", "creationDate")
    body = document.get("epcisBody")
    if body is not None:
        events = body.get("eventList") if isinstance(body, dict) else None
        if not isinstance(events, list) or not events:
            check.fault("missing", "/epcisBody/eventList", "a list of at least one event")
    return check.faults


def event_faults(
    event: Any, path: str = "", *, known: Mapping[str, str] | None = None, alone: bool = False
) -> list[Fault]:
    """What is wrong with one event. `known` are the document's prefixes; an event that comes `alone` must
    bring its own context."""
    check = EventChecker()
    if not isinstance(event, dict):
        return [Fault("type_wrong", path, "an event")]
    if "@context" in event or alone:
        check.context(event.get("@context"), f"{path}/@context", needed=alone)
    check.known = words.PREFIXES | dict(known or {}) | prefixes(event.get("@context"))
    own = words.OWN.get(str(event.get("type")))
    if own is None:
        got = event.get("type")
        check.fault("not_a_choice" if got else "missing", f"{path}/type", "|".join(words.EVENT_TYPES), got)
        return check.faults
    check.event(event, path, own)
    return check.faults


class EventChecker(Checker):
    """The check of one event's members."""

    def event(self, event: Mapping[str, Any], path: str, own: frozenset[str]) -> None:
        """All of one event."""
        self.members(event, path, words.COMMON | own)
        self.need(event, path, "eventTime", "eventTimeZoneOffset")
        for name in ("eventTime", "recordTime"):
            self.time(event, path, name)
        offset = event.get("eventTimeZoneOffset")
        if offset is not None and not (isinstance(offset, str) and _OFFSET.fullmatch(offset)):
            self.fault("offset_wrong", f"{path}/eventTimeZoneOffset", "+hh:mm or -hh:mm", offset)
        if "action" in own:
            self.need(event, path, "action")
            self.one_of(event, path, "action", words.ACTIONS)
        for name in ("eventID", "transformationID", "parentID"):
            if name in event:
                self.uri(event[name], f"{path}/{name}")
        self._terms(event, path)
        self._lists(event, path)
        self._what(event, path)
        for name in ("readPoint", "bizLocation"):
            if name in event:
                self._place(event[name], f"{path}/{name}")
        if "errorDeclaration" in event:
            self._declaration(event["errorDeclaration"], f"{path}/errorDeclaration")
        if "ilmd" in event:
            self._ilmd(event, path)
        if "certificationInfo" in event:
            self._certification(event["certificationInfo"], f"{path}/certificationInfo")
        self.each(event, path, "sensorElementList", self._sensor)

    def _terms(self, event: Mapping[str, Any], path: str) -> None:
        for name in ("bizStep", "disposition"):
            if name in event:
                self.term(event[name], f"{path}/{name}", name)
        lasting = event.get("persistentDisposition")
        if lasting is None:
            return
        if not isinstance(lasting, dict):
            self.fault("type_wrong", f"{path}/persistentDisposition", "set and unset", lasting)
            return
        self.members(lasting, f"{path}/persistentDisposition", ("set", "unset"))
        for name in ("set", "unset"):
            self.each(
                lasting, f"{path}/persistentDisposition", name, lambda v, p: self.term(v, p, "disposition")
            )

    def _lists(self, event: Mapping[str, Any], path: str) -> None:
        for name in words.INSTANCE_LISTS:
            self.each(event, path, name, self._instance)
        for name in words.CLASS_LISTS:
            self.each(event, path, name, self._quantity)
        self.each(event, path, "bizTransactionList", self._transaction)
        self.each(event, path, "sourceList", lambda v, p: self._party(v, p, "source"))
        self.each(event, path, "destinationList", lambda v, p: self._party(v, p, "destination"))

    def _what(self, event: Mapping[str, Any], path: str) -> None:
        """Each type of event says what it is about (EPCIS 2.0, 7.4.2 to 7.4.6)."""
        has = {name for name in (*words.INSTANCE_LISTS, *words.CLASS_LISTS) if event.get(name)}
        type_, action = event["type"], event.get("action")
        sensed = bool(event.get("sensorElementList"))
        if type_ == "ObjectEvent" and not has and not sensed:
            self.fault("missing", f"{path}/epcList", "epcList, quantityList or sensorElementList")
        elif type_ == "TransactionEvent":
            self.need(event, path, "bizTransactionList")
        elif type_ == "TransformationEvent":
            named = bool(event.get("transformationID"))
            for side in ("input", "output"):
                if not has & {f"{side}EPCList", f"{side}QuantityList"} and not named:
                    self.fault("missing", f"{path}/{side}EPCList", f"{side}EPCList or {side}QuantityList")
        elif type_ in ("AggregationEvent", "AssociationEvent"):
            if action in ("ADD", "DELETE") or type_ == "AssociationEvent":
                self.need(event, path, "parentID")
            if action == "ADD" and not has:
                self.fault("missing", f"{path}/childEPCs", "childEPCs or childQuantityList")

    def _instance(self, value: object, path: str) -> None:
        expected = instance_fault(value)
        if expected:
            self.fault("identifier_wrong", path, expected, value)

    def _quantity(self, thing: Any, path: str) -> None:
        if not isinstance(thing, dict):
            self.fault("type_wrong", path, "epcClass, quantity and uom", thing)
            return
        self.members(thing, path, ("epcClass", "quantity", "uom"))
        self.need(thing, path, "epcClass")
        expected = class_fault(thing["epcClass"]) if "epcClass" in thing else ""
        if expected:
            self.fault("identifier_wrong", f"{path}/epcClass", expected, thing["epcClass"])
        amount = thing.get("quantity")
        if "quantity" in thing and (amount is None or not _number(amount) or amount < 0):
            self.fault("number_wrong", f"{path}/quantity", "a number of 0 or more", amount)
        unit = thing.get("uom")
        if "uom" in thing and not (isinstance(unit, str) and _UOM.fullmatch(unit)):
            self.fault("unit_wrong", f"{path}/uom", "code of UN/ECE Recommendation 20", unit)

    def _transaction(self, thing: Any, path: str) -> None:
        if not isinstance(thing, dict):
            self.fault("type_wrong", path, "type and bizTransaction", thing)
            return
        self.members(thing, path, ("type", "bizTransaction"))
        self.need(thing, path, "bizTransaction")
        if "bizTransaction" in thing:
            self.uri(thing["bizTransaction"], f"{path}/bizTransaction")
        if "type" in thing:
            self.term(thing["type"], f"{path}/type", "bizTransactionType")

    def _party(self, thing: Any, path: str, name: str) -> None:
        if not isinstance(thing, dict):
            self.fault("type_wrong", path, f"type and {name}", thing)
            return
        self.members(thing, path, ("type", name))
        self.need(thing, path, "type", name)
        if name in thing:
            self.uri(thing[name], f"{path}/{name}")
        if "type" in thing:
            self.term(thing["type"], f"{path}/type", "sourceDestType")

    def _place(self, thing: Any, path: str) -> None:
        if not isinstance(thing, dict):
            self.fault("type_wrong", path, "an object with id", thing)
            return
        self.members(thing, path, ("id",))
        self.need(thing, path, "id")
        if "id" in thing:
            self._instance(thing["id"], f"{path}/id")

    def _declaration(self, thing: Any, path: str) -> None:
        if not isinstance(thing, dict):
            self.fault("type_wrong", path, "declarationTime and reason", thing)
            return
        self.members(thing, path, ("declarationTime", "reason", "correctiveEventIDs"))
        self.need(thing, path, "declarationTime")
        self.time(thing, path, "declarationTime")
        if "reason" in thing:
            self.term(thing["reason"], f"{path}/reason", "errorReason")
        self.each(thing, path, "correctiveEventIDs", self.uri)

    def _ilmd(self, event: Mapping[str, Any], path: str) -> None:
        thing = event["ilmd"]
        if not isinstance(thing, dict):
            self.fault("type_wrong", f"{path}/ilmd", "an object", thing)
            return
        if event["type"] == "ObjectEvent" and event.get("action") not in ("ADD", None):
            self.fault("member_misplaced", f"{path}/ilmd", "only where something begins: action ADD")
        self.members(thing, f"{path}/ilmd", ())

    def _certification(self, value: Any, path: str) -> None:
        for at, item in enumerate(value if isinstance(value, list) else [value]):
            place = f"{path}/{at}" if isinstance(value, list) else path
            if isinstance(item, dict):
                self.members(item, place, ("id", "type"))
                self._dates(item, place)
            else:
                self.uri(item, place)

    def _dates(self, thing: Mapping[str, Any], path: str) -> None:
        """Members named ...Date hold days, however deep."""
        for name, value in thing.items():
            if isinstance(value, dict):
                self._dates(value, f"{path}/{name}")
            elif name.endswith("Date") and not _day(value):
                self.fault("day_wrong", f"{path}/{name}", "YYYY-MM-DD", value)

    def _sensor(self, thing: Any, path: str) -> None:
        if not isinstance(thing, dict):
            self.fault("type_wrong", path, "sensorMetadata and sensorReport", thing)
            return
        self.members(thing, path, ("sensorMetadata", "sensorReport"))
        self.need(thing, path, "sensorReport")
        metadata = thing.get("sensorMetadata", {})
        if isinstance(metadata, dict):
            self.members(metadata, f"{path}/sensorMetadata", words.METADATA)
            for name in ("time", "startTime", "endTime"):
                self.time(metadata, f"{path}/sensorMetadata", name)
            for name in words.METADATA - {"time", "startTime", "endTime"}:
                if name in metadata:
                    self.uri(metadata[name], f"{path}/sensorMetadata/{name}")
        else:
            self.fault("type_wrong", f"{path}/sensorMetadata", "an object", metadata)
        self.each(thing, path, "sensorReport", self._report)

    def _report(self, thing: Any, path: str) -> None:
        if not isinstance(thing, dict):
            self.fault("type_wrong", path, "a sensor report", thing)
            return
        self.members(thing, path, words.REPORT)
        if not {"type", "exception"} & thing.keys():
            self.fault("missing", f"{path}/type", "type or exception")
        self.time(thing, path, "time")
        for name in words.REPORT_NUMBERS & thing.keys():
            if not _number(thing[name]):
                self.fault("number_wrong", f"{path}/{name}", "a number", thing[name])
        for name in words.REPORT_URIS & thing.keys():
            self.uri(thing[name], f"{path}/{name}")
        self._small(thing, path)

    def _small(self, thing: Mapping[str, Any], path: str) -> None:
        for name, bare in (("type", _BARE), ("component", None), ("exception", None)):
            value = thing.get(name)
            if value is None:
                continue
            allowed = {"component": words.COMPONENTS, "exception": words.SENSOR_ALERTS}.get(name)
            if not isinstance(value, str):
                self.fault("type_wrong", f"{path}/{name}", "text", value)
            elif ":" in value:
                self.own_term(value, f"{path}/{name}")
            elif not (bare.fullmatch(value) if bare else value in (allowed or ())):
                self.fault("word_unknown", f"{path}/{name}", "|".join(sorted(allowed or ("type",))), value)
        if "booleanValue" in thing and not isinstance(thing["booleanValue"], bool):
            self.fault("type_wrong", f"{path}/booleanValue", "true|false", thing["booleanValue"])
        raw = thing.get("hexBinaryValue")
        if raw is not None and not (isinstance(raw, str) and _HEX.fullmatch(raw)):
            self.fault("type_wrong", f"{path}/hexBinaryValue", "hex digits, two a byte", raw)
        unit = thing.get("uom")
        if unit is not None and not (isinstance(unit, str) and _UOM.fullmatch(unit)):
            self.fault("unit_wrong", f"{path}/uom", "code of UN/ECE Recommendation 20", unit)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _day(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(dt.date.fromisoformat(value[:10])) and len(value) >= 10
    except ValueError:
        return False
