"""Case 24: agents of other versions than the hub: every operation gets a verdict, none is dropped."""

from __future__ import annotations

import msgspec

from medloom.drills.plant import Plant
from medloom.kernel import access
from medloom.kernel.models import Entry
from medloom.wire.chain import operations_start
from medloom.wire.messages import SCHEMA, SCHEMAS_BACK, Answers, Challenge, Hello, Mode, Refused, Welcome

#: What newer agents may send: fields, envelope, whether the hub can understand it.
_NEWER = (
    ({"number": "D24-more", "colour": "blue"}, {}, True),
    ({"number": "D24-word", "kind": "semi_finished"}, {}, False),
    ({"number": "D24-form", "made": {"day": "2026-11-01"}}, {}, False),
    ({"number": "D24-kind"}, {"type": "hologram"}, False),
    ({"number": "D24-next"}, {"schema": SCHEMA + 2}, True),
    ({"number": "D24-same"}, {}, True),
)


def hello(plant: Plant, schema: int) -> Welcome | Refused:
    """A session of an agent of that schema."""
    said = Hello(site=plant.site, epoch=plant.epoch, schema=schema)
    for _ in range(2):
        reply = plant.post("/sync/hello", msgspec.json.encode(said)).message
        if isinstance(reply, Challenge):
            said = msgspec.structs.replace(said, answer=reply.nonce)
    assert isinstance(reply, Welcome | Refused), reply
    return reply


def run_case24(plant: Plant, seed: int) -> str:
    """Sessions of every schema around the hub's, and operations as newer and older agents write them."""
    modes = {}
    for schema in range(SCHEMA - SCHEMAS_BACK - 1, SCHEMA + 1):
        reply = hello(plant, schema)
        assert isinstance(reply, Welcome), (schema, reply)
        modes[schema] = reply.mode
        plant.token = reply.token
        plant.head = plant.head or operations_start(site=plant.site, epoch=plant.epoch, chain="v")
        raw = plant.operation("lot", {"number": f"D24-{seed}-{schema}"})
        answers = plant.push([raw]).message
        assert isinstance(answers, Answers) and len(answers.answers) == 1, answers
        assert answers.answers[0].verdict == "accepted", "an observation is taken from every version"
    oldest = SCHEMA - SCHEMAS_BACK
    assert modes[oldest] is Mode.FULL and modes[oldest - 1] is Mode.OBSERVE, modes
    newer = hello(plant, SCHEMA + 1)
    assert isinstance(newer, Refused) and newer.code == "schema_too_new", newer
    raws = []
    for at, (fields, more, _) in enumerate(_NEWER):
        kept = dict(more)
        type_ = str(kept.pop("type", "lot"))
        raws.append(plant.operation(type_, fields, offset=at, **kept))
    first = plant.number
    answers = plant.push(raws).message
    assert isinstance(answers, Answers) and len(answers.answers) == len(raws), answers
    verdicts = [str(answer.verdict) for answer in answers.answers]
    wanted = ["accepted" if understood else "quarantined" for _, _, understood in _NEWER]
    assert verdicts == wanted, verdicts
    with access.seeing(access.ALL):
        rows = Entry.objects.filter(site=plant.site, number__gte=first).order_by("number")
        bodies = [row.body for row in rows]
    assert bodies == [raw.decode() for raw in raws], "kept byte for byte, what was not understood too"
    return (
        f"{len(modes)} schemas opened, a newer one refused whole; {len(raws)} operations, each with a verdict"
    )
