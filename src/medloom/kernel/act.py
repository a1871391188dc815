"""A person's or reaction's act as operations: who, when and why are arguments, ids come from outside.

Rooms build operations with it in their actions; the interface hands them to the write door. Pure.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from medloom.wire.operation import Kind, Operation

#: Ids that follow from a cause are made in this name space, so that a retry repeats them.
SPACE = uuid.UUID("5b0c2f6e-6f0d-5a57-9a58-6d65646c6f6f")


def derived_id(*parts: object) -> str:
    """An id that follows from these parts alone."""
    return str(uuid.uuid5(SPACE, "\x00".join(str(part) for part in parts)))


@dataclass(frozen=True)
class Act:
    """Who acts, when, and where new ids come from.

    actor  opaque id of the person, or "hub"
    at     RFC 3339 moment, `zone` the IANA zone of the place
    mint   makes a new id (UUIDv7) each time it is called
    """

    actor: str
    at: str
    mint: Callable[[], str]
    zone: str = "UTC"

    def create(
        self, type: str, *, site: str, fields: Mapping[str, Any], reason: str = "", **envelope: Any
    ) -> Operation:
        """An operation that makes a new object of `site`."""
        given = {name: value for name, value in fields.items() if value is not None}
        object_ = envelope.pop("object", "") or self.mint()
        return self._operation(type, object_, Kind.SET, site, given, reason, envelope)

    def change(
        self, type: str, object_: str, *, site: str, base: int, fields: Mapping[str, Any], reason: str,
        **envelope: Any,
    ) -> Operation:  # fmt: skip
        """An operation that sets fields of an object as it stood at version `base`."""
        return self._operation(
            type, object_, Kind.SET, site, dict(fields), reason, {**envelope, "base": base}
        )

    def command(
        self, type: str, object_: str, *, site: str, name: str, state: str, reason: str = "",
        fields: Mapping[str, Any] | None = None, **envelope: Any,
    ) -> Operation:  # fmt: skip
        """The state command `name`, given on an object seen in `state`."""
        given = {**(fields or {}), "command": name, "from": state}
        return self._operation(type, object_, Kind.COMMAND, site, given, reason, envelope)

    def observe(
        self, type: str, *, site: str, fields: Mapping[str, Any], reason: str = "", **envelope: Any
    ) -> Operation:
        """An operation that tells of something that has happened."""
        given = {name: value for name, value in fields.items() if value is not None}
        object_ = envelope.pop("object", "") or self.mint()
        return self._operation(type, object_, Kind.OBSERVE, site, given, reason, envelope)

    def _operation(
        self,
        type: str,
        object_: str,
        kind: Kind,
        site: str,
        fields: Mapping[str, Any],
        reason: str,
        envelope: dict[str, Any],
    ) -> Operation:
        return Operation(
            id=envelope.pop("id", "") or self.mint(),
            type=type,
            object=object_,
            kind=kind,
            at=self.at,
            actor=self.actor,
            zone=self.zone,
            site=site,
            fields=dict(fields),
            reason=reason,
            **envelope,
        )
