"""A generated plant for the ingest benchmarks: operations as its agent would send them, in realistic sizes.

In each batch 40 % are shift records of production, 30 % inspection results, 10 % new lots, 10 % moves and
10 % changes of lots made one batch earlier; one in a hundred is refused (a decimal comma).
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections import Counter
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medloom.wire.canonical import encode_operation
from medloom.wire.chain import operation_hash, operations_head, operations_start
from medloom.wire.operation import VOLUME, Kind, Operation, Source, operation_id
from medloom.wire.push import build_push

ITEMS, MACHINES, MOULDS, ORDERS, RESIN_LOTS, SPECIFICATIONS = 40, 20, 60, 300, 200, 30
SHARES = {"step_record": 40, "result": 30, "lot": 10, "move": 10, "update": 10}
REFUSED_ONE_IN = 100
DEFECTS = ("black_spot", "short_shot", "flash", "scratch")
PARAMETERS = (("melt temperature", "Cel", 225), ("holding pressure", "bar", 640), ("cycle time", "s", 18))


class Plant:
    """One site's agent: its epoch, its volume chain, its key, and the lots it has made so far."""

    def __init__(self, site: str, *, seed: int) -> None:
        self.site = site
        self.random = random.Random(seed)  # noqa: S311  a workload, not a secret
        self.epoch = f"{self.random.getrandbits(128):032x}"
        self.key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{site}{seed}".encode()).digest())
        self.number = 0
        self.head = operations_start(site=site, epoch=self.epoch, chain=VOLUME)
        self.before_last, self.last, self.sent = self.head, b"", 0
        self.results = self.refused = 0
        self.earlier: list[tuple[str, str]] = []
        self.fresh: list[tuple[str, str]] = []
        self.made: list[str] = []
        self.counts: Counter[str] = Counter()

    def operation(self, type: str, kind: Kind, fields: dict[str, Any], **envelope: Any) -> bytes:
        """The next operation of the chain, as canonical bytes."""
        self.number += 1
        name = str(fields.get("number", envelope.get("key", "")))
        digest = hashlib.sha256(repr((type, sorted(fields.items()), envelope.get("base", 0))).encode())
        source = Source(
            feed=type, key=envelope.pop("key", name), hash=digest.hexdigest()[:32], at="shift.xlsx:3"
        )
        return encode_operation(
            Operation(
                id=operation_id(site=self.site, epoch=self.epoch, chain=VOLUME, number=self.number),
                type=type,
                object=envelope.pop("object", None)
                or str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
                kind=kind,
                at="2026-11-23T06:30:00Z",
                zone="Asia/Shanghai",
                clock="synchronised",
                actor="agent",
                fields=fields,
                source=source,
                **envelope,
            )
        )

    def masters(self) -> list[bytes]:
        """What the plant's own operations refer to; specifications are the registrant's (see `ingest`)."""
        found = []
        for number in range(ITEMS):
            kind = "resin" if number < 8 else "product"
            fields = {"number": f"ITEM-{number:04d}", "name": f"Part {number}", "kind": kind}
            found.append(self.operation("item", Kind.SET, fields))
        for name, count in (("machine", MACHINES), ("mould", MOULDS)):
            for number in range(count):
                fields = {
                    "number": f"{name[:2].upper()}-{number:03d}",
                    "name": f"{name} {number}",
                    "kind": name,
                }
                found.append(self.operation("equipment", Kind.SET, fields))
        for number in range(RESIN_LOTS):
            fields = {"number": f"RES-{number:05d}", "item": f"ITEM-{number % 8:04d}", "kind": "material"}
            found.append(self.operation("lot", Kind.SET, fields))
        return found

    def batch(self, size: int) -> list[bytes]:
        """The next `size` operations, in the shares above; lots come before what refers to them."""
        self.earlier, self.fresh = self.fresh, []
        kinds = [kind for kind, share in SHARES.items() for _ in range(size * share // 100) if kind != "lot"]
        self.random.shuffle(kinds)
        lots = ["lot"] * (size - len(kinds))
        return [self._one(kind) for kind in lots + kinds]

    def single(self) -> bytes:
        """One shift record."""
        return self._one("step_record")

    def _one(self, kind: str) -> bytes:
        if kind == "update" and not self.earlier:
            kind = "move"  # the first batch has nothing to change yet
        self.counts[kind] += 1
        makers = {"lot": self._lot, "move": self._move, "step_record": self._step, "update": self._update}
        return makers.get(kind, self._result)()

    def _update(self) -> bytes:
        number, object_ = self.earlier.pop()
        fields = {"made": f"2026-11-{self.random.randrange(1, 29):02d}", "remark": "counted again, shelf 7"}
        return self.operation(
            "lot", Kind.SET, fields, object=object_, base=1, reason="stocktaking", key=number
        )

    def _lot(self) -> bytes:
        number = f"L{self.number:08d}"
        fields = {"number": number, "item": self._item(), "kind": "intermediate", "made": "2026-11-20"}
        object_ = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.fresh.append((number, object_))
        self.made = [*self.made[-400:], number]
        return self.operation("lot", Kind.SET, fields, object=object_)

    def _item(self) -> str:
        return f"ITEM-{self.random.randrange(8, ITEMS):04d}"

    def _recent(self) -> str:
        return self.random.choice(self.made) if self.made else "RES-00001"

    def _move(self) -> bytes:
        fields = {
            "number": f"M{self.number:08d}", "lot": self._recent(), "kind": "produced",
            "quantity": str(self.random.randrange(100, 5000)), "unit": "1",
            "target": f"HALL-2/RACK-{self.random.randrange(40):02d}", "moved": "2026-11-22",
        }  # fmt: skip
        return self.operation("move", Kind.OBSERVE, fields)

    def _result(self) -> bytes:
        self.results += 1
        # of the results so many that it comes to one in a hundred of all
        broken = self.results % (SHARES["result"] * REFUSED_ONE_IN // 100) == 0
        self.refused += broken
        value = f"{10 + self.random.randrange(100) / 100:.2f}"
        fields = {
            "number": f"Q{self.number:08d}", "lot": self._recent(),
            "specification": f"SPEC-{self.random.randrange(SPECIFICATIONS):03d}/1",
            "characteristic": "wall thickness", "sample": f"S{self.random.randrange(50)}",
            "value": value.replace(".", ",") if broken else value, "unit": "mm", "judged": "pass",
            "measured": "2026-11-22T14:05:00+08:00", "inspector": f"p{self.random.randrange(30)}",
            "method": "calliper",
        }  # fmt: skip
        return self.operation("result", Kind.OBSERVE, fields)

    def _step(self) -> bytes:
        shots, cavities = self.random.randrange(200, 1200), self.random.choice((2, 4, 8))
        defects = [
            {"kind": kind, "count": self.random.randrange(1, 9)} for kind in self.random.sample(DEFECTS, 2)
        ]
        fields = {
            "number": f"R{self.number:08d}", "day": "2026-11-22", "shift": "night",
            "work_order": f"WO-{self.random.randrange(ORDERS):05d}", "item": self._item(),
            "machine": f"MA-{self.random.randrange(MACHINES):03d}",
            "mould": f"MO-{self.random.randrange(MOULDS):03d}",
            "resin": f"ITEM-{self.random.randrange(8):04d}",
            "resin_lot": f"RES-{self.random.randrange(RESIN_LOTS):05d}", "output_lot": self._recent(),
            "revision": "1", "shots": shots, "cavities": cavities, "total": shots * cavities,
            "good": shots * cavities - sum(int(row["count"]) for row in defects),
            "operator": f"p{self.random.randrange(30)}", "defects": defects,
            "parameters": [
                {"name": name, "value": f"{middle + self.random.randrange(90) / 10:.1f}", "unit": unit}
                for name, unit, middle in PARAMETERS
            ],
        }  # fmt: skip
        return self.operation("step_record", Kind.OBSERVE, fields)

    def push(self, raws: list[bytes], *, resend: bool = False) -> bytes:
        """A signed body of the operations that follow those sent last; with `resend` the last one again."""
        first, before, sent = self.sent + 1, self.head, raws
        if resend:
            first, before, sent = self.sent, self.before_last, [self.last, *raws]
        body = build_push(
            site=self.site,
            epoch=self.epoch,
            chain=VOLUME,
            first=first,
            before=before,
            raws=sent,
            key=self.key,
        )
        hashes = [operation_hash(raw) for raw in raws]
        self.before_last = operations_head(self.head, first=self.sent + 1, hashes=hashes[:-1])
        self.sent += len(raws)
        self.head = operations_head(self.before_last, first=self.sent, hashes=hashes[-1:])
        self.last = raws[-1]
        return body
