"""The registrant's side of the demonstration: sites, people, connections, one-time codes, first orders.

Everything goes through the write door as the registrant; only logins and codes, which are no business
facts, are written as such. Each step looks first whether it was done before, so a second run adds nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from django.utils import timezone

from medloom.demo.plants import DemoPlant
from medloom.design.actions import issue_revision
from medloom.design.models import Item, Parameter, Specification
from medloom.hub import wiring
from medloom.kernel.access import ALL, seeing
from medloom.kernel.act import Act
from medloom.kernel.cursor import open_cursor
from medloom.kernel.door import new_id, submit
from medloom.parties.keys import open_enrolment
from medloom.parties.models import Connection, Party, Site, User
from medloom.production.actions import dispatch
from medloom.production.models import WorkOrder
from medloom.wire.judge import HQ
from medloom.wire.operation import Operation
from medloom.wire.verdict import Verdict

ROLES = {
    "admin": ("admin", "it", "planner", "quality"),
    "planner": ("planner",),
    "quality": ("quality",),
    "auditor": ("auditor",),
}
ORDERS = [("WO-7001", "B-2001", 800), ("WO-7002", "B-2002", 1_500), ("WO-7003", "B-2001", 600)]
PARAMETER = {
    "number": "P-FEED",
    "revision": "A",
    "name": "进给量 · feed per revolution (generated)",
    "unit": "mm",
    "target": "0.12",
    "low": "0.1",
    "high": "0.15",
}


#: What the machined diameter is judged by: half an inch, two thousandths either way.
SPECIFICATION = {
    "number": "S-DIA",
    "revision": "A",
    "characteristic": "直径 · diameter (generated)",
    "unit": "mm",
    "resolution": "0.001",
    "low": "12.6492",
    "high": "12.7508",
}


class SeedRefused(RuntimeError):
    """The hub did not take what the demonstration begins with; the message holds its reasons."""


def act() -> Act:
    """An act of the demonstration itself, now."""
    return Act(actor="demo", at=timezone.now().isoformat(), mint=new_id)


def put(operations: Sequence[Operation]) -> None:
    """Hand operations to the write door as the registrant. Raises SeedRefused unless all are accepted."""
    if not operations:
        return
    with seeing(ALL), open_cursor() as cursor:
        now = wiring(cursor)
    answers = submit(operations, author=HQ, wiring=now)
    refused = [answer for answer in answers if answer.verdict is not Verdict.ACCEPTED]
    if refused:
        raise SeedRefused(f"{refused[0].verdict}: {refused[0].refusal}")


def _there(model: Any, **named: Any) -> bool:
    with seeing(ALL):
        return bool(model.objects.filter(placeholder=False, **named).exists())


def seed_sites(plants: Sequence[DemoPlant]) -> None:
    """The registrant, each plant with its party, site and connection."""
    made = []
    if not _there(Party, number="REGISTRANT"):
        fields = {"number": "REGISTRANT", "name": "演示注册人 · registrant (generated)", "kind": "registrant"}
        made.append(act().create("party", site="", fields=fields))
    for plant in plants:
        if _there(Site, code=plant.code):
            continue
        party = {"number": plant.code, "name": plant.name, "kind": "cmo"}
        site = {"code": plant.code, "name": plant.name, "zone": plant.zone, "party": plant.code}
        made.append(act().create("party", site="", fields=party))
        made.append(act().create("site", site=plant.code, fields=site))
    put(made)
    for plant in plants:
        if not _there(Connection, number=f"C-{plant.code}"):
            put(_connection(plant))
        if plant.mappings == "machining" and not _there(Specification, site=plant.code, number="S-DIA"):
            put(_issue("specification", plant.code, SPECIFICATION))
        if plant.plan and not _there(Parameter, site=plant.code, number=plant.plan[0]["number"]):
            put([each for fields in plant.plan for each in _issue("parameter", plant.code, fields)])
        seed_released(plant.code, plant.released)


def seed_released(site: str, released: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Release specifications and documents to a site, revision after revision, unless they are there."""
    if not released or _there(Specification, site=site, number=released[0][1]["number"]):
        return
    operations: list[Operation] = []
    standing: dict[tuple[str, str], str] = {}
    for type_, fields in sorted(released, key=lambda each: (each[0], each[1]["number"], each[1]["revision"])):
        document = (type_, fields["number"])
        made = issue_revision(
            act=act(),
            type=type_,
            site=site,
            fields=fields,
            reason="demonstration",
            replaces=standing.get(document, ""),
        )
        standing[document] = made[0].object
        operations += made
        if len(operations) > 400:
            put(operations)
            operations = []
    put(operations)


def _issue(type_: str, site: str, fields: dict[str, str]) -> tuple[Operation, ...]:
    return issue_revision(act=act(), type=type_, site=site, fields=fields, reason="demonstration")


def _connection(plant: DemoPlant) -> list[Operation]:
    fields = {"number": f"C-{plant.code}", "level": plant.level, "system": plant.system, "promise": "P1D"}
    doing = act()
    made = doing.create("connection", site=plant.code, fields=fields)
    steps = [("test", "applied"), ("go_live", "testing")]
    return [
        made,
        *(
            doing.command("connection", made.object, site=plant.code, name=name, state=state)
            for name, state in steps
        ),
    ]


def seed_people(plants: Sequence[DemoPlant], secret: Callable[[str], str]) -> list[dict[str, str]]:
    """People of the registrant and one of each plant; returns accounts with passwords, for the screen."""
    wanted = [(name, HQ, roles) for name, roles in ROLES.items()]
    wanted += [(plant.code.lower(), plant.code, ("planner", "quality")) for plant in plants]
    accounts = []
    for name, site, roles in wanted:
        password = secret(f"demo-{name}")
        if not User.objects.filter(username__iexact=name).exists():
            User.objects.create_user(name, password, site=site, roles=roles)
        accounts.append({"user": name, "password": password, "site": site, "roles": ", ".join(roles)})
    return accounts


def one_time_code(site: str) -> str:
    """A fresh one-time code for a site's agent; only its hash is kept."""
    code = secrets.token_urlsafe(18)
    digest = hashlib.sha256(code.encode()).digest()
    open_enrolment(site, digest, expires=timezone.now() + dt.timedelta(hours=1))
    return code


def seed_orders(site: str, *, today: dt.date) -> int:
    """Dispatch the first orders and release a parameter, once the plant's items are known; how many."""
    with seeing(ALL):
        known = set(Item.objects.filter(site=site, placeholder=False).values_list("number", flat=True))
        orders = set(WorkOrder.objects.filter(site=site, placeholder=False).values_list("number", flat=True))
    done = 0
    for number, item, quantity in ORDERS:
        if number in orders or item not in known:
            continue
        due = (today + dt.timedelta(days=21)).isoformat()
        fields = {
            "number": number,
            "item": item,
            "quantity": quantity,
            "received": today.isoformat(),
            "due": due,
        }
        put(dispatch(act=act(), site=site, fields=fields, reason="demonstration"))
        done += 1
    if known and not _there(Parameter, site=site, number=PARAMETER["number"]):
        put(_issue("parameter", site, PARAMETER))
        done += 1
    return done
