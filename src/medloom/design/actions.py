"""What may be done with revisions. Each function builds operations; the caller hands them to the door."""

from __future__ import annotations

from typing import Any

from medloom.kernel.act import Act
from medloom.wire.operation import Operation


def issue_revision(
    *, act: Act, type: str, site: str, fields: dict[str, Any], reason: str, replaces: str = ""
) -> tuple[Operation, ...]:
    """Make a revision of a parameter, specification or BOM for `site` and release it, in one group.

    `replaces` is the object id of the released revision that it supersedes, if there is one.
    """
    group = act.mint()
    made = act.create(type, site=site, fields=fields, reason=reason, group=group)
    steps = [made]
    if replaces:
        steps.append(
            act.command(
                type, replaces, site=site, name="supersede", state="released", reason=reason, group=group
            )
        )
    steps.append(
        act.command(type, made.object, site=site, name="release", state="draft", reason=reason, group=group)
    )
    return tuple(steps)


def release(*, act: Act, type: str, site: str, revision: str, reason: str) -> Operation:
    """Release a draft to its site."""
    return act.command(type, revision, site=site, name="release", state="draft", reason=reason)
