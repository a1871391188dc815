"""What may be done with scopes: functions that build operations for the write door."""

from __future__ import annotations

from medloom.kernel.act import Act
from medloom.trace.frozen.queries import Drawn
from medloom.wire.operation import Operation


def freeze_scope(
    *, act: Act, number: str, title: str, expression: str, drawn: Drawn, reason: str, supersedes: str = ""
) -> list[Operation]:
    """A scope and the command that freezes what was drawn of it: one group, both or neither."""
    fields = {
        "number": number,
        "title": title,
        "expression": expression,
        "supersedes": supersedes or None,
    }
    group = act.mint()
    made = act.create("scope", site="", fields=fields, reason=reason, group=group)
    frozen = {
        "as_of": drawn.as_of,
        "lots": len(drawn.lines),
        "devices": drawn.devices,
        "consignments": len(drawn.handed),
        "digest": drawn.digest,
    }
    freeze = act.command(
        "scope", made.object, site="", name="freeze", state="draft", reason=reason, fields=frozen, group=group
    )
    return [made, freeze]
