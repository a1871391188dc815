"""What a program sends: read strictly, refused before it is read where it is too large."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest

from medloom.interfaces.api.problem import Problem
from medloom.interfaces.sync import BYTES_MAX, inflated, read_body
from medloom.wire.canonical import DEPTH_MAX, Malformed, loads
from medloom.wire.messages import Refused

JSON, LINES = "application/json", "application/x-ndjson"


def kind_of(request: HttpRequest, kinds: Collection[str]) -> str:
    """The media type of the body. Raises Problem 415 for one that is not taken at this address."""
    kind = (request.content_type or "").lower()
    if kind not in kinds:
        raise Problem(415, "content_type_wrong", expected=", ".join(kinds), got=kind[:80])
    return kind


def bytes_of(request: HttpRequest) -> bytes:
    """The body as it was before compression. Raises Problem 411, 413 or 415, 400 for a broken gzip."""
    body = read_body(request)
    if not isinstance(body, Refused):
        body = inflated(body, request.headers.get("Content-Encoding", "identity"))
    if isinstance(body, Refused):
        raise Problem(body.status, body.code, expected=body.detail)
    return body


def json_of(raw: bytes) -> Any:
    """The body as JSON under the profile of canonical JSON. Raises Problem 400 with the place at fault.

    No duplicate keys, no NaN, no numbers with a point (decimals are text), no NUL, bounded depth.
    """
    try:
        return loads(raw, bytes_max=BYTES_MAX, depth_max=DEPTH_MAX)
    except Malformed as fault:
        raise Problem(400, fault.code, path=fault.path, got=fault.detail) from None
