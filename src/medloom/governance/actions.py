"""What may be done with alerts and corrections: functions that build operations for the write door."""

from __future__ import annotations

from medloom.governance.rules import Wanted
from medloom.kernel.act import Act
from medloom.wire.operation import Operation


def raise_alert(*, act: Act, wanted: Wanted) -> Operation:
    """An alert of the hub's own. Its number says what it is about and when it was raised."""
    fields = {
        "number": f"{wanted.name}:{act.at[:19]}"[:120],
        "kind": wanted.kind,
        "feed": wanted.feed[:64] or None,
        "rule": wanted.rule or None,
        "detail": wanted.detail[:500] or wanted.name,
        "count": wanted.count,
        "since": act.at,
    }
    return act.create("alert", site=wanted.site, fields=fields, reason=wanted.detail[:500])


def close_alert(*, act: Act, site: str, alert: str, state: str) -> Operation:
    """The cause is gone; what the alert said stays in its history."""
    return act.command(
        "alert", alert, site=site, name="close", state=state, reason="the cause is no longer there"
    )


def propose_correction(
    *, act: Act, site: str, kind: str, subject: str, field: str, came: str, meant: str,
    feed: str = "", factor: str = "", times: int = 1,
) -> Operation:  # fmt: skip
    """A correction for a person to decide on. The same one is never proposed twice."""
    fields = {
        "number": correction_number(kind, subject, field, came),
        "kind": kind,
        "subject": subject[:160],
        "field": field,
        "came": came[:200],
        "meant": meant[:200],
        "feed": feed[:64] or None,
        "factor": factor or None,
        "times": times,
    }
    return act.create("correction", site=site, fields=fields, reason=f"{came} -> {meant}"[:500])


def correction_number(kind: str, subject: str, field: str, came: str) -> str:
    """The number of the one correction of that kind for that value."""
    return f"{kind}:{subject}:{field}:{came}".strip()[:160]
