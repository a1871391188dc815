"""api/asyncapi.json: the public stream in the words of AsyncAPI 3.0, from the same declarations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medloom import __version__
from medloom.kernel.entity import Declared

_SITE = {"description": "code of the site that the entry belongs to", "examples": ["HQ", "MOLD"]}
#: Types of events that are no object type's.
OTHERS = {"unread": "An operation that was not understood", "resync": "Read what stands anew"}


def asyncapi(declared: Sequence[Declared]) -> dict[str, Any]:
    """One channel per type of event; each is also the subject on the bus and the `type` of the CloudEvent."""
    names = {one.type: str(one.model._meta.verbose_name) for one in declared} | OTHERS
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Medloom event stream",
            "version": __version__,
            "description": (
                "CloudEvents 1.0, at least once, in order within a feed, each with its dense position. The "
                "same events are replayed from any position by GET /api/v1/stream, pushed to webhooks "
                "(signed after Standard Webhooks, Ed25519), and published on NATS JetStream where that is "
                "set up; the bus is a bell and a cache, the stream at the hub is the truth."
            ),
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {name: _channel(name, title) for name, title in sorted(names.items())},
        "operations": {f"send_{name}": _operation(name) for name in sorted(names)},
        "components": {"messages": {name: _message(name, title) for name, title in sorted(names.items())}},
    }


def _channel(name: str, title: str) -> dict[str, Any]:
    return {
        "address": f"medloom.{{site}}.{name}.v1",
        "title": title,
        "parameters": {"site": _SITE},
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _operation(name: str) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
    }


def _message(name: str, title: str) -> dict[str, Any]:
    return {
        "name": f"medloom.{name}.v1",
        "title": title,
        "contentType": "application/cloudevents+json",
        "payload": {"$ref": f"events/{name}.v1.json"},
    }
