"""Entries as CloudEvents 1.0, `medloom.<site>.<type>.v1`: the public stream. Pure.

An event is one entry as one reader sees it, with its dense position in that reader's feed. What could not
be understood is an `unread` event with the bytes, so that every typed event has its type's form.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

#: A reader's feeds: control, volume, and for the registrant the whole log.
FEEDS = ("c", "v", "log")
JSON, BATCH, LINES = (
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/x-ndjson",
)
#: Types that are no object's: what could not be read, and "read everything anew from here".
UNREAD, RESYNC = "unread", "resync"
_UNREAD_VERDICTS = frozenset({"quarantined", "op_id_reuse"})


def event_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The event of one joined row: position, hub_epoch, seq, author, home, type, verdict, version, decision,
    body, encoding, received (aware)."""
    decision = json.loads(row["decision"]) if row["decision"] else {}
    data: dict[str, Any] = {"verdict": row["verdict"], "seq": row["seq"]}
    unread = row["verdict"] in _UNREAD_VERDICTS or row["encoding"] or not row["type"]
    if unread:
        text = row["body"]
        plain = row["encoding"] == "base64"
        data["bytes"] = text if plain else base64.b64encode(text.encode()).decode()
    else:
        data["operation"] = json.loads(row["body"])
        data["version"] = row["version"]
    for name in ("findings", "refusal"):
        if decision.get(name):
            data[name] = decision[name]
    return {
        "specversion": "1.0",
        "id": f"{row['hub_epoch'].hex[:8]}-{row['seq']}",
        "source": f"urn:medloom:site:{row['author']}",
        "type": type_of(row["home"] or row["author"], UNREAD if unread else row["type"]),
        "time": row["received"].isoformat(timespec="milliseconds"),
        "datacontenttype": "application/json",
        "position": row["position"],
        "data": data,
    }


def type_of(site: str, name: str) -> str:
    """The type of events of that site and object type."""
    return f"medloom.{site}.{name}.v1"


def resync(*, hub: str, site: str, feed: str, missed: int, position: int, at: str) -> dict[str, Any]:
    """Tells a reader that it is too far behind: read what stands anew, then go on after `position`."""
    return {
        "specversion": "1.0",
        "id": f"{hub[:8]}-resync-{position}",
        "source": "urn:medloom:hub",
        "type": type_of(site, RESYNC),
        "time": at,
        "datacontenttype": "application/json",
        "position": position,
        "data": {"feed": feed, "missed": missed, "goes_on_after": position},
    }


def binary_headers(event: Mapping[str, Any]) -> dict[str, str]:
    """The context attributes as headers of the binary content mode (CloudEvents HTTP binding, 3.1.3)."""
    found = {f"ce-{n}": str(v) for n, v in event.items() if n not in ("data", "datacontenttype")}
    return {**found, "content-type": str(event.get("datacontenttype", "application/json"))}
