"""Cases 31 to 36: what a plant may send by mistake or malice, over HTTP, with one verdict for every line."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Callable

from medloom.drills.plant import Plant
from medloom.wire.push import OPERATIONS_MAX

Drill = Callable[[Plant, int], str]


def _lots(plant: Plant, count: int, tag: str) -> list[bytes]:
    return [plant.operation("lot", {"number": f"{tag}-{i}"}, offset=i, kind="set") for i in range(count)]


def _verdicts(plant: Plant, raws: list[bytes]) -> list[str]:
    reply = plant.push(raws)
    assert reply.status == 200, reply
    return [str(answer.verdict) for answer in reply.message.answers]


def _number(verdicts: list[str]) -> dict[str, int]:
    return dict(Counter(verdicts))


def one_bad_of_ten_thousand(plant: Plant, seed: int) -> str:
    """31: one bad record among 10,000 is on the repair desk, the others are applied."""
    bad = random.Random(seed).randrange(10_000)  # noqa: S311  a repeatable drill
    total: Counter[str] = Counter()
    for start in range(0, 10_000, OPERATIONS_MAX):
        raws = _lots(plant, OPERATIONS_MAX, f"D31-{start}")
        if start <= bad < start + OPERATIONS_MAX:
            raws[bad - start] = plant.operation("lot", {"number": 7}, offset=bad - start, kind="set")
        total.update(_verdicts(plant, raws))
    assert total == {"accepted": 9_999, "quarantined": 1}, total
    return f"{dict(total)}"


def same_number_other_content(plant: Plant, seed: int) -> str:
    """32: the same operation id with other content is refused with an alarm; the first stands."""
    first = plant.operation("lot", {"number": f"D32-{seed}"}, kind="set")
    second = plant.operation("lot", {"number": f"D32-{seed}-other"}, kind="set")
    forged = plant.body([second])
    assert _verdicts(plant, [first]) == ["accepted"]
    reply = plant.post("/sync/push", forged)
    answer = reply.message.answers[0]
    assert (reply.status, str(answer.verdict), answer.refusal.code) == (200, "op_id_reuse", "op_id_reuse")
    from medloom.kernel.models import Alarm

    assert Alarm.objects.filter(code="op_id_reuse", site=plant.site).exists()
    return "op_id_reuse, alarm raised"


#: fields of a step record -> (verdict, code, path)
WRONG: list[tuple[dict[str, object], str, str, str]] = [
    ({"total": "80"}, "quarantined", "type_wrong", "/fields/total"),
    ({"good": -1}, "quarantined", "out_of_range", "/fields/good"),
    ({"defects": [{"kind": "gremlin", "count": 1}]}, "quarantined", "not_a_choice", "/fields/defects/0/kind"),
    ({"day": "2026-13-45"}, "quarantined", "day_impossible", "/fields/day"),
]


def wrong_values(plant: Plant, seed: int) -> str:
    """33: wrong unit, precision, enum, date: quarantined with code and path; wrong sums: a finding."""
    good = {"day": "2026-11-01", "shots": 10, "cavities": 8, "total": 80, "good": 80}
    for index, (wrong, verdict, code, path) in enumerate(WRONG):
        raw = plant.operation("step_record", {"number": f"D33-{seed}-{index}", **good, **wrong})
        (answer,) = plant.push([raw]).message.answers
        found = (str(answer.verdict), answer.refusal.code, answer.refusal.path)
        assert found == (verdict, code, path), (wrong, found)
    sized = {"quantity": "12.5 lb", "item": "R1", "per": 1}
    bom = {"item": f"D33-{seed}", "variant": "1", "revision": "1", "lines": [sized]}
    for value, code in (
        ("12.5 lb", "unit_wrong"),
        ("12.5", "unit_missing"),
        ("1.12345678 kg", "too_precise"),
    ):
        sized["quantity"] = value
        (answer,) = plant.push([plant.operation("bom", bom, kind="set")]).message.answers
        assert (answer.refusal.code, answer.refusal.path) == (code, "/fields/lines/0/quantity"), answer
    raw = plant.operation(
        "step_record",
        {"number": f"D33-{seed}-s", **good, "good": 70, "defects": [{"kind": "other", "count": 5}]},
    )
    (answer,) = plant.push([raw]).message.answers
    assert str(answer.verdict) == "accepted" and answer.findings, answer
    return f"{len(WRONG) + 2} wrong values refused with their path, a wrong sum found"


def hostile_json(plant: Plant, seed: int) -> str:
    """34: NaN, 1e400, duplicate keys, bytes that are no text: quarantined, the neighbours applied."""
    lines = [
        b'{"id":NaN}',
        b'{"base":1e400}',
        b'{"id":"a","id":"b"}',
        b"\xff\xfe\x00",
        b"not json",
        b"",
        b'{"fields":{"number":"\\u0000"},"id":"x"}',
        b'{"fields":{"number":"\\ud800"},"id":"x"}',
    ]
    raws = []
    for index, line in enumerate(lines):
        raws.append(line)
        raws.append(plant.operation("lot", {"number": f"D34-{seed}-{index}"}, offset=len(raws), kind="set"))
    verdicts = _verdicts(plant, raws)
    assert verdicts == ["quarantined", "accepted"] * len(lines), verdicts
    from medloom.kernel.access import seeing
    from medloom.kernel.models import Entry

    with seeing(plant.site):
        kept = Entry.objects.filter(epoch=plant.epoch, verdict="quarantined").order_by("number")
        bodies = [e.body for e in kept]
    assert len(bodies) >= len(lines) and "not json" in bodies, bodies
    return f"{len(lines)} lines quarantined with their bytes, {len(lines)} neighbours accepted"


def deep_json(plant: Plant, seed: int) -> str:
    """35: 1,000 nested arrays, a number of 5,000 digits: quarantined, never a 500."""
    deep = b'{"fields":{"number":' + b"[" * 1_000 + b"]" * 1_000 + b"}}"
    long = b'{"base":' + b"9" * 5_000 + b"}"
    good = plant.operation("lot", {"number": f"D35-{seed}"}, offset=2, kind="set")
    verdicts = _verdicts(plant, [deep, long, good])
    assert verdicts == ["quarantined", "quarantined", "accepted"], verdicts
    return str(_number(verdicts))


def inflating_body(plant: Plant, seed: int) -> str:
    """36: a small gzip that inflates to 200 MB is 413, with no more memory than the limit."""
    import resource

    bomb = gzip.compress(b"0" * 200_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reply = plant.post("/sync/push", bomb, **{"Content-Encoding": "gzip"})
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert (reply.status, reply.message.code) == (413, "push_too_large"), reply
    assert grown_mib < 64, grown_mib
    raw = plant.operation("lot", {"number": f"D36-{seed}"}, kind="set")
    body = gzip.compress(plant.body([raw]))
    reply = plant.post("/sync/push", body, **{"Content-Encoding": "gzip"})
    assert reply.status == 200 and str(reply.message.answers[0].verdict) == "accepted", reply
    plant.advance([raw])
    return f"413, {grown_mib:.0f} MiB grown; an honest gzip body is taken"


#: Number -> verdict and code. What nobody sees or what turns the reading round never becomes a lot number.
SEEN_OTHERWISE = {
    "LOT\u200b-1": ("quarantined", "character_illegal"),  # zero width
    "\u202eLOT-1": ("quarantined", "character_illegal"),  # right to left from here
    "LOT\u2067-1": ("quarantined", "character_illegal"),
    "LOT\u00ad-1": ("quarantined", "character_illegal"),  # soft hyphen
    "LOT\u00a0-1": ("quarantined", "character_illegal"),
    "LOT\u3164-1": ("quarantined", "character_illegal"),  # a letter that is drawn as nothing
    "LOT\ufe0f-1": ("quarantined", "character_illegal"),
    "\u041bOT-1": ("accepted", ""),  # an honest letter of another alphabet
    "L\u041eT-1": ("accepted", "look_alike"),
    "L\u039fT-1": ("accepted", "look_alike"),
    "\uff2c\uff2f\uff34-1": ("accepted", ""),  # full width: seen, and proposed as the same
}


def unseen_letters(plant: Plant, seed: int) -> str:
    """42: invisible marks are refused, look-alike letters told, and both lots proposed as one on a page."""
    first = f"D42-{seed}-"
    assert _verdicts(plant, [plant.operation("lot", {"number": f"{first}LOT-1"}, kind="set")]) == ["accepted"]
    for number, wanted in SEEN_OTHERWISE.items():
        raw = plant.operation("lot", {"number": first + number}, kind="set")
        (answer,) = plant.push([raw]).message.answers
        code = answer.refusal.code if answer.refusal else "".join(f.code for f in answer.findings)
        assert (str(answer.verdict), code) == wanted, (ascii(number), answer)
    from medloom.kernel.access import seeing
    from medloom.kernel.cursor import open_cursor
    from medloom.materials.queries import near_matches

    with seeing(plant.site), open_cursor() as cursor:
        pairs = {
            (one.first.removeprefix(first), one.second.removeprefix(first), one.differ)
            for one in near_matches(cursor, plant.site)
        }
    for twin in ("L\u039fT-1", "L\u041eT-1", "\uff2c\uff2f\uff34-1"):
        assert ("LOT-1", twin, "letters") in pairs, pairs
    return f"{len(SEEN_OTHERWISE)} numbers: 7 refused, 2 told as look-alikes, 3 proposed as the same lot"


#: Case number -> drill on an enrolled plant with an open session.
CASES: dict[int, Drill] = {
    31: one_bad_of_ten_thousand,
    32: same_number_other_content,
    33: wrong_values,
    34: hostile_json,
    35: deep_json,
    36: inflating_body,
    42: unseen_letters,
}
