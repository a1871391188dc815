"""Two plants whose data have nothing in common: every text of each carries a mark that nothing else has.

The marks are also markup, so that a page that writes a text without escaping it is found by the same visit.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import Any

from django.utils import timezone

from medloom.formats.epcis import making
from medloom.formats.epcis.making import Thing, When
from medloom.governance.models import Upload
from medloom.kernel import fields as kinds
from medloom.kernel.access import ALL, seeing
from medloom.kernel.case import Received
from medloom.kernel.entity import Declared, catalogue
from medloom.kernel.ledger import append
from medloom.kernel.models import Alarm
from medloom.parties.models import Attempt, Subscription, User
from medloom.trace.models import ScopeExport
from medloom.wire import canonical
from medloom.wire.operation import Kind, Operation
from medloom.wire.sheet import Owner
from tests.browser.network import Network, people, sequence
from tests.journeys.calling import program

#: Site -> its mark. No word, number or id of anything else holds one.
MARKS = {"SZ": "ZQVSZ", "PG": "XWKPG"}
MARKUP = '"<i>'
#: Types in the order in which they name one another; those that only the hub makes come from elsewhere.
LATER = ("scope", "disagreement", "trace_event")
_ORDER = ("site", "item", "equipment", "vendor", "purchase_order", "document", "gauge", "inspection")
#: Fields that are no free text: a value of their form.
_FORMS = {"zone": "Asia/Shanghai", "expires": "2027-01-01", "expiry": "2027-01-01", "windows": None}


def mark(site: str, name: str) -> str:
    """A text of that site."""
    return f"{MARKS[site]}{MARKUP}{name}"


def value_of(field: Any, site: str, name: str, made: dict[str, str]) -> Any:
    """A value that fits a field and, where it can, says whose it is."""
    if isinstance(field, kinds.Ref):
        return made.get(field.related_model.facts.type)
    if isinstance(field, kinds.Choice):
        return sorted(field.words)[0]
    if isinstance(field, kinds.Code):
        text = mark(site, name)
        return text if len(text) <= field.length_max else MARKS[site][: field.length_max]
    if isinstance(field, kinds.Quantity):
        return f"1 {field.unit}"
    if isinstance(field, kinds.Count):
        return 1
    if isinstance(field, kinds.Flag):
        return False
    if isinstance(field, kinds.Day):
        return "2026-11-20"
    return "2026-11-20T08:00:00Z" if isinstance(field, kinds.Instant) else "1"


def fields_of(declared: Declared, site: str, made: dict[str, str]) -> dict[str, Any]:
    """Every field of a new object of that type."""
    found: dict[str, Any] = {}
    for name, field in declared.fields.items():
        value = (
            _FORMS[name] if name in _FORMS else value_of(field, site, f"{declared.type[:8]}-{name[:5]}", made)
        )
        if value is not None:
            found[name] = value
    for name, lines in declared.lines.items():
        line = {n: value_of(f, site, f"{declared.type[:4]}-{n[:5]}", made) for n, f in lines.fields.items()}
        found[name] = [{n: v for n, v in line.items() if v is not None}]
    return found


def tell(net: Network, declared: Declared, site: str, fields: dict[str, Any]) -> Any:
    """One operation of whoever owns that type."""
    kind = Kind.OBSERVE if Kind.SET not in declared.facts.kinds else Kind.SET
    author = "HQ" if declared.facts.owner is Owner.REGISTRANT else site
    number = net.numbers[author] = net.numbers.get(author, 0) + 1
    epoch = f"{sum(map(ord, author)):032x}"
    operation = Operation(
        id=f"{author}/{epoch}/v/{number}", type=declared.type, object=str(uuid.uuid4()), kind=kind,
        at="2026-11-20T08:00:00+08:00", zone="Asia/Shanghai", actor="op-17", fields=fields, site=site,
        reason=mark(site, "reason"),
    )  # fmt: skip
    received = Received(canonical.dumps(operation), epoch, "v", number, operation)
    (answer,) = append([received], author=author, wiring=_wiring())
    return answer


def _wiring() -> Any:
    from tests.browser.network import _wiring as wiring

    return wiring()


def fill(net: Network, site: str) -> dict[str, str]:
    """One object of each type of a site, every field of it given; what refuses a field is told without it."""
    made: dict[str, str] = {}
    ours = [d for d in catalogue().values() if not d.facts.network and d.type not in LATER]
    ours.sort(key=lambda d: (_ORDER.index(d.type) if d.type in _ORDER else 99, len(d.refs), d.type))
    refused: dict[str, str] = {}
    for declared in ours:
        fields = {"code": site, "name": mark(site, "name")} if declared.type == "site" else fields_of(
            declared, site, made)  # fmt: skip
        for _ in range(12):
            answer = tell(net, declared, site, fields)
            if answer.verdict.value == "accepted":
                made[declared.type] = declared.natural_key(fields) or ""
                refused.pop(declared.type, None)
                break
            refused[declared.type] = f"{answer.verdict.value} {answer.refusal}"
            name = (answer.refusal.path if answer.refusal else "").removeprefix("/fields/").split("/")[0]
            if name not in fields:
                break
            del fields[name]
    assert not refused, refused
    return made


def trouble(net: Network, site: str, made: dict[str, str]) -> None:
    """Rows that were refused, parked and in conflict, near lots, and what the feeds brought."""
    feed = (mark(site, "feed"), "k1", "h", mark(site, "file.xlsx!1"))
    bad = {"number": mark(site, "bad"), "day": "00:00.0", "resin_lot": made["lot"]}
    net.plant(site, "step_record", "observe", bad, source=feed)
    raw = {"code": "date_destroyed", "path": "/fields/day", "got": mark(site, "got"),
           "original": f'{{"day": "{MARKS[site]}"}}'}  # fmt: skip
    net.plant(site, "step_record", "raw", {}, raw=raw, source=(feed[0], "k2", "h", feed[3]))
    parked = {"number": mark(site, "parked"), "item": mark(site, "nowhere")}
    net.plant(site, "purchase_order", "set", {"number": mark(site, "po2"), "vendor": mark(site, "none")})
    net.plant(site, "work_order", "set", {**parked, "quantity": 5})
    for name in ("near-77", "near77"):
        net.plant(site, "lot", "set", {"number": mark(site, name), "kind": "material"})
    net.plant(site, "lot", "set", {"number": mark(site, "near-77"), "kind": "finished"})
    inputs = [{"lot": made["lot"], "quantity": "1"}]
    whole = {
        "number": mark(site, "step2"),
        "day": "2026-11-21",
        "output_lot": mark(site, "out"),
        "inputs": inputs,
    }
    net.plant(site, "step_record", "observe", whole, source=(feed[0], "k3", "h", feed[3]))
    moved = {"number": mark(site, "in"), "lot": made["lot"], "kind": "received", "quantity": "5"}
    net.plant(site, "move", "observe", {**moved, "unit": "kg", "target": mark(site, "store")})
    Alarm.objects.create(code="clone", site=site, detail=mark(site, "alarm"))


def framework(site: str, user: User) -> dict[str, list[str]]:
    """What the pages keep beside the ledger: files, exports, tokens, webhooks, captures."""
    now = timezone.now()
    upload = Upload.objects.create(
        id=uuid.uuid4(), site=site, actor=user.actor, name=mark(site, "upload.xlsx"), template="lots",
        digest="0" * 64, data=b"PK", rows=1, at=now,
        made=[{"row": 1, "verdict": "accepted", "code": mark(site, "code")}],
    )  # fmt: skip
    job = ScopeExport.objects.create(
        id=uuid.uuid4(), actor=user.actor, sees=site, language="en", kind="json", state="done",
        question=f'affected({{lot = "{MARKS[site]}"}})', body=mark(site, "export").encode(),
    )  # fmt: skip
    hook = Subscription.objects.create(
        user=user, site=site, name=mark(site, "hook"), url=f"https://{MARKS[site]}.example/in", feed="v",
        next_at=now, made=now, error=mark(site, "error"),
    )  # fmt: skip
    attempt = Attempt.objects.create(
        subscription=hook, at=now, first=0, last=1, error=mark(site, "dead"), took_ms=1, dead=True
    )
    theirs = program(user.username)
    when = When(dt.datetime(2026, 11, 20, tzinfo=dt.UTC))
    event = making.transformation(
        object_=str(uuid.uuid5(uuid.NAMESPACE_URL, site)), when=when,
        site=site, inputs=[Thing(site, f"{MARKS[site]}-1")], outputs=[Thing(site, f"{MARKS[site]}-2")],
    )  # fmt: skip
    sent = making.document([event], created=now)
    answer = theirs.post("/epcis/capture", sent)
    assert answer.status_code == 202, answer.content
    return {
        "upload": [str(upload.id)],
        "job": [str(job.id)],
        "subscription": [str(hook.id)],
        "attempt": [str(attempt.pk)],
        "token": [str(theirs.token.id)],
        "capture": [answer["Location"].rsplit("/", 1)[-1]],
        "event": [event.get("eventID") or f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, site)}"],
        "digest": [hashlib.sha256(site.encode()).hexdigest()],
    }


def build_apart() -> tuple[Network, dict[str, dict[str, list[str]]]]:
    """The registrant and both plants. Returns what each plant's people keep, by kind."""
    people()
    net = Network()
    fields = {"code": "HQ", "name": "Registrant (demonstration)", "zone": "Europe/Berlin"}
    net.registrant(net.act.create("site", site="HQ", fields=fields))
    kept = {}
    for site, name in (("SZ", "lin"), ("PG", "siti")):
        made = fill(net, site)
        trouble(net, site, made)
        user = User.objects.get(username=name)
        user.roles.create(role="it")
        kept[site] = framework(site, user)
    sequence()
    return net, kept


def objects_of(site: str) -> dict[str, list[str]]:
    """Type -> ids of a site's objects."""
    found = {}
    with seeing(ALL):
        for name, declared in catalogue().items():
            ids = declared.model._default_manager.filter(site=site).values_list("object", flat=True)
            found[name] = [str(each) for each in ids[:3]]
    return found
