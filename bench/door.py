"""The door inside one process: masters in, then batches; shared by the ingest benchmarks."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from bench.plant import ORDERS, SPECIFICATIONS, Plant


def registrant(site: str) -> None:
    """What the registrant gives a plant: released specifications and work orders. Needs Django."""
    from medloom.hub import WIRING
    from medloom.kernel.door import operation, submit
    from medloom.wire.operation import Kind

    given = {"actor": "p0", "at": dt.datetime(2026, 11, 1, tzinfo=dt.UTC), "site": site}
    made = []
    for number in range(SPECIFICATIONS):
        fields = {"number": f"SPEC-{number:03d}", "revision": "1", "characteristic": "wall thickness"}
        fields |= {"unit": "mm", "low": "9", "high": "12"}
        made.append(operation("specification", Kind.SET, fields, **given))
    released = [
        operation("specification", Kind.COMMAND, {"command": "release"}, object=each.object, **given)
        for each in made
    ]
    orders = [
        operation("work_order", Kind.SET, {"number": f"WO-{number:05d}", "quantity": 50_000}, **given)
        for number in range(ORDERS)
    ]
    for part in (made, released, orders):
        answers = submit(part, author="HQ", wiring=WIRING)
        wrong = [answer for answer in answers if answer.verdict != "accepted"]
        if wrong:
            raise AssertionError(f"the registrant's masters were not accepted: {wrong[0]}")


def append_here(plant: Plant, raws: Sequence[bytes], *, first: int) -> Counter[str]:
    """Put a plant's operations through the door in this process; verdicts and how many."""
    from medloom.hub import WIRING
    from medloom.kernel.case import Received
    from medloom.kernel.ledger import append
    from medloom.wire.canonical import Malformed, decode_operation
    from medloom.wire.verdict import Refusal

    received = []
    for number, raw in enumerate(raws, first):
        try:
            received.append(Received(raw, plant.epoch, "v", number, decode_operation(raw)))
        except Malformed as error:
            received.append(Received(raw, plant.epoch, "v", number, None, Refusal(error.code, error.path)))
    answers = append(received, author=plant.site, wiring=WIRING)
    return Counter(("repeated " if answer.repeated else "") + answer.verdict for answer in answers)
