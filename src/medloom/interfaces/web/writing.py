"""Operations in a person's name: what a form says becomes what the write door judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import uuid_utils
from django.utils.translation import gettext as _

from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.viewer import Viewer, now
from medloom.kernel.act import Act
from medloom.wire.verdict import Answer, Refusal, Verdict

#: A reason shorter than this says nothing.
REASON_LEAST = 4
REASON_MOST = 500


def new_id() -> str:
    """A UUIDv7."""
    return str(uuid_utils.uuid7())


def reason_of(data: Mapping[str, Any]) -> str:
    """The reason from a form. Raises Problem reason_missing: every change says why."""
    reason = str(data.get("reason", "")).strip()
    if len(reason) < REASON_LEAST:
        raise Problem(
            422,
            "reason_missing",
            path="/reason",
            expected=_("%(least)s to %(most)s characters") % {"least": REASON_LEAST, "most": REASON_MOST},
            got=reason,
        )
    return reason[:REASON_MOST]


def act_of(viewer: Viewer) -> Act:
    """This person's act, now, in their site's zone."""
    return Act(
        actor=viewer.actor,
        at=now().isoformat(timespec="milliseconds"),
        mint=new_id,
        zone=viewer.zones.get(viewer.site, "UTC"),
    )


def refused(answers: Sequence[Answer]) -> list[tuple[Answer, Refusal]]:
    """The answers that were not accepted, with why."""
    return [
        (a, a.refusal or Refusal(code=str(a.verdict))) for a in answers if a.verdict is not Verdict.ACCEPTED
    ]


def must_accept(answers: Sequence[Answer]) -> None:
    """Raise Problem when an answer of a single decision is not accepted: 409 for stale, 422 else."""
    for answer, refusal in refused(answers):
        raise Problem.of(refusal, status=409 if answer.verdict is Verdict.CONFLICT else 422)
