"""A small generated network for the browser tests: a registrant, two plants, orders, lots, trouble."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from medloom.design.actions import issue_revision
from medloom.drills.sequencing import sequence as sequence  # the tests find everything here
from medloom.hub import wiring
from medloom.kernel.access import ALL, seeing
from medloom.kernel.act import Act
from medloom.kernel.case import Received
from medloom.kernel.cursor import open_cursor
from medloom.kernel.ledger import append, own
from medloom.kernel.models import Alarm
from medloom.materials.actions import raise_hold
from medloom.materials.models import Lot
from medloom.parties.models import Person, User
from medloom.production.actions import dispatch
from medloom.production.models import WorkOrder
from medloom.wire import canonical
from medloom.wire.operation import Kind, Operation, Source
from medloom.wire.verdict import Answer, Verdict

PASSWORD = "seventeen green bottles"
LONG_NAME = "苏州示例精密医疗器械注塑成型科技股份有限公司"
PEOPLE = {
    "anna": ("HQ", ("quality", "planner", "it"), "Anna Example"),
    "audit": ("HQ", ("auditor",), "Auditor Example"),
    "lin": ("SZ", ("planner", "quality"), "林示例"),
    "siti": ("PG", ("planner", "quality"), "Siti Example"),
}
#: A lot number of 20 characters, the most a label may carry.
LONG_LOT = "RM-2611-000000000001"


@dataclass
class Network:
    """Sends as the registrant's people and as the plants' agents."""

    numbers: dict[str, int] = field(default_factory=dict)
    act: Act = field(
        default_factory=lambda: Act(
            actor="registrant",
            at="2026-11-18T09:00:00+08:00",
            mint=lambda: str(uuid.uuid4()),
            zone="Asia/Shanghai",
        )
    )

    def registrant(self, *operations: Operation) -> list[Answer]:
        """Operations of the registrant; each must be accepted."""
        answers = append([own(o) for o in operations], author="HQ", wiring=_wiring())
        assert all(a.verdict is Verdict.ACCEPTED for a in answers), answers
        return answers

    def plant(self, site: str, type_: str, kind: str, fields: dict[str, Any], **more: Any) -> Answer:
        """One operation of a plant's agent."""
        number = self.numbers[site] = self.numbers.get(site, 0) + 1
        epoch = f"{sum(map(ord, site)):032x}"
        source = more.pop("source", None)
        operation = Operation(
            id=f"{site}/{epoch}/v/{number}",
            type=type_,
            object=more.pop("object", None) or str(uuid.uuid4()),
            kind=Kind(kind),
            at="2026-11-20T08:00:00+08:00",
            zone="Asia/Shanghai",
            actor="op-17",
            fields=fields,
            source=Source(feed=source[0], key=source[1], hash=source[2], at=source[3]) if source else None,
            **more,
        )
        raw = canonical.dumps(operation)
        received = Received(raw=raw, epoch=epoch, chain="v", number=number, operation=operation)
        (answer,) = append([received], author=site, wiring=_wiring())
        return answer


def _wiring() -> Any:
    with seeing(ALL), open_cursor() as cursor:
        return wiring(cursor)


def found(model: Any, key: str, site: str = "SZ") -> Any:
    """The object of that number, as the registrant sees it."""
    with seeing(ALL):
        return model.objects.get(key=key, site=site)


def people() -> None:
    """Everybody who logs in, with a name in the vault."""
    for name, (site, roles, shown) in PEOPLE.items():
        user = User.objects.create_user(name, PASSWORD, site=site, roles=roles)
        Person.objects.create(opaque=user.actor, site=site, name=shown, salt=b"0" * 32, commitment=b"0" * 32)


def build() -> Network:
    """The whole network: small, and with every kind of trouble that the pages show."""
    people()
    net = Network()
    act = net.act
    net.registrant(
        act.create("party", site="", fields={"number": "P-SZ", "name": LONG_NAME, "kind": "cmo"}),
        *(
            act.create("site", site=code, fields={"code": code, "name": name, "zone": zone})
            for code, name, zone in (
                ("HQ", "Registrant (demonstration)", "Europe/Berlin"),
                ("SZ", LONG_NAME, "Asia/Shanghai"),
                ("PG", "Penang Example Machining", "Asia/Kuala_Lumpur"),
            )
        ),
        act.create("connection", site="SZ", fields={"number": "C-1", "level": "file", "promise": "P1D"}),
    )
    for site in ("SZ", "PG"):
        net.plant(site, "item", "set", {"number": "10001", "name": "输液器外壳", "kind": "component"})
        net.plant(site, "equipment", "set", {"number": "M01", "kind": "machine", "tonnage": "80.0 t"})
        net.plant(site, "lot", "set", {"number": LONG_LOT, "item": "10001", "kind": "material"})
    _orders(net)
    _records(net)
    _trouble(net)
    return net


def _orders(net: Network) -> None:
    for number in range(60):
        site = "SZ" if number % 3 else "PG"
        fields = {
            "number": f"WO-{number:04}",
            "item": "10001",
            "quantity": 1000 + number,
            "due": "2026-12-20",
        }
        if number >= 57:
            net.registrant(net.act.create("work_order", site=site, fields=fields, reason="monthly plan"))
        else:
            net.registrant(*dispatch(act=net.act, site=site, fields=fields, reason="monthly plan"))
    fields = {"number": "PP-1", "revision": "1", "name": "Melt temperature", "unit": "Cel", "target": "235"}
    net.registrant(
        *issue_revision(act=net.act, type="parameter", site="SZ", fields=fields, reason="validated")
    )
    draft = {**fields, "revision": "2", "target": "230"}
    net.registrant(net.act.create("parameter", site="SZ", fields=draft, reason="next"))


def _records(net: Network) -> None:
    for number in range(8):
        fields: dict[str, Any] = {
            "number": f"S-{number}",
            "day": "2026-11-03",
            "machine": "M01",
            "resin_lot": LONG_LOT if number < 4 else f"FG-{number - 4}",
            "output_lot": f"FG-{number}",
            "shots": 10,
            "cavities": 8,
            "total": 80,
            "good": 78,
            "defects": [{"kind": "black_spot", "count": 2}],
        }
        source = ("shifts", f"s{number}", "h", f"2026-11 日报.xlsx!11月!{number + 6}")
        assert net.plant("SZ", "step_record", "observe", fields, source=source).verdict is Verdict.ACCEPTED


def _trouble(net: Network) -> None:
    """Refused rows, a row that nobody could read, near lot numbers, holds, a conflict."""
    for number, day in enumerate(["2026/11/3", "2026/11/4", "00:00.0"]):
        fields = {"number": f"B-{number}", "day": day, "total": 80, "good": 80, "defects": []}
        source = ("shifts", f"b{number}", "h", f"2026-11 日报.xlsx!11月!{number + 90}")
        net.plant("SZ", "step_record", "observe", fields, source=source)
    raw = {
        "code": "date_destroyed",
        "path": "/fields/day",
        "got": "00:00.0",
        "original": '{"日期": "00:00.0"}',
    }
    net.plant("SZ", "step_record", "raw", {}, raw=raw, source=("shifts", "r", "h", "日报.xlsx!99"))
    net.plant("SZ", "lot", "set", {"number": "RM-2611-77", "item": "10001", "kind": "material"})
    net.plant("SZ", "lot", "set", {"number": "RM2611-77", "item": "10001", "kind": "material"})
    Alarm.objects.create(code="clone", site="SZ", detail="epoch 0001 came back")
    lot = found(Lot, LONG_LOT)
    net.registrant(
        *(
            raise_hold(act=net.act, site="SZ", number=f"H-{n}", cause="Certificate is missing", lot=lot.key)
            for n in (1, 2)
        )
    )
    order = found(WorkOrder, "WO-0001")
    base = order.version
    moved = {"planned_start": "2026-12-05"}
    net.registrant(
        net.act.change("work_order", str(order.object), site="SZ", base=base, fields=moved, reason="customer")
    )
    theirs = {"planned_start": "2026-12-09"}
    source = ("orders", "WO-0001", "h2", "orders.csv!2")
    answer = net.plant("SZ", "work_order", "set", theirs, object=str(order.object), base=base, source=source)
    assert answer.verdict is Verdict.CONFLICT, answer
