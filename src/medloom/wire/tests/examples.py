"""Operations the wire tests start from; generated, they name nobody."""

from __future__ import annotations

from typing import Any

from medloom.wire.operation import Kind, Operation, Source, operation_id

EPOCH = "00112233445566778899aabbccddeeff"
OBJECT = "0197a000-0000-7000-8000-000000000001"


def operation(*, site: str = "A", number: int = 1, chain: str = "v", **changes: Any) -> Operation:
    """One step record of site A, with anything changed that a test wants changed."""
    fields: dict[str, Any] = {
        "id": operation_id(site=site, epoch=EPOCH, chain=chain, number=number),
        "type": "step_record",
        "object": OBJECT,
        "kind": Kind.OBSERVE,
        "at": "2026-03-04T05:06:07.123+08:00",
        "actor": "person-1",
        "fields": {"good": 120, "machine": "注塑机3", "pressure_kpa": "410.5", "samples": [1, {"a": None}]},
        "zone": "Asia/Shanghai",
        "source": Source(feed="daily", key="2026-03-04|3", hash="ab" * 32, was={"good": ("120 ", "trim")}),
        "seen": {"c": 4, "v": 9},
    }
    return Operation(**(fields | changes))
