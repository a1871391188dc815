"""The wiring, as tables: which rule admits what, what is read for it, what is written and what follows.

Handed to `append` as an argument. Imports flow down, consequences flow up, and only through here:
a lower room never asks an upper one, so what trace knows of blocked lots is handed down as a function.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from medloom.design.queries import revisions_of
from medloom.design.rules import admit_device, admit_revision
from medloom.governance.corrections import admit_correction
from medloom.governance.queries import correction_facts
from medloom.governance.reactions import apply_correction
from medloom.inspection.queries import joined_facts, result_facts
from medloom.inspection.reactions import block_lot, dispute, dispute_joined
from medloom.inspection.rules import admit_result
from medloom.kernel.ruling import Alias, Wiring
from medloom.materials.projections import alias_edges
from medloom.materials.queries import (
    alias_facts,
    hold_facts,
    keep_stock,
    lot_facts,
    lots_by_alias,
    move_facts,
    shipment_facts,
)
from medloom.materials.reactions import protect
from medloom.materials.rules import (
    admit_alias,
    admit_hold,
    admit_lot,
    admit_move,
    admit_receipt,
    admit_shipment,
)
from medloom.parties.queries import site_codes, site_facts
from medloom.parties.rules import admit_site
from medloom.production.queries import order_facts, step_facts
from medloom.production.reactions import block_output
from medloom.production.rules import admit_order, admit_step
from medloom.sourcing.rules import admit_purchase_line
from medloom.trace.arrivals import follow_lots, follow_receipts
from medloom.trace.events.queries import take_back_declared
from medloom.trace.events.rules import admit_trace_event, event_rows
from medloom.trace.frozen.queries import keep_lines, scope_facts
from medloom.trace.queries import void_earlier
from medloom.trace.reactions import carry_holds
from medloom.trace.rules import admit_scope, edges
from medloom.trace.ties.queries import event_facts, merged, receipt_facts, told_of
from medloom.trace.walks.queries import ask_blocked

#: type -> one declared set-wise query over all operations of that type in a batch.
FACTS = {
    "alias": partial(alias_facts, joining=joined_facts, tying=merged),
    "bom": revisions_of("bom"),
    "document": revisions_of("document"),
    "correction": correction_facts,
    "hold": hold_facts,
    "lot": partial(lot_facts, blocked=ask_blocked, tying=told_of),
    "move": partial(move_facts, blocked=ask_blocked),
    "parameter": revisions_of("parameter"),
    "receipt": receipt_facts,
    "result": result_facts,
    "shipment": partial(shipment_facts, blocked=ask_blocked),
    "scope": scope_facts,
    "site": site_facts,
    "specification": revisions_of("specification"),
    "step_record": partial(step_facts, blocked=ask_blocked),
    "trace_event": event_facts,
    "work_order": order_facts,
}

#: type -> pure rule over one operation and those facts.
ADMISSION = {
    "alias": admit_alias,
    "bom": admit_revision,
    "correction": admit_correction,
    "device": admit_device,
    "document": admit_revision,
    "hold": admit_hold,
    "lot": admit_lot,
    "move": admit_move,
    "parameter": admit_revision,
    "purchase_line": admit_purchase_line,
    "receipt": admit_receipt,
    "result": admit_result,
    "shipment": admit_shipment,
    "scope": admit_scope,
    "site": admit_site,
    "specification": admit_revision,
    "step_record": admit_step,
    "trace_event": admit_trace_event,
    "work_order": admit_order,
}

#: type -> how its objects are known by another party's name: partners' lot numbers, within a site.
ALIASES = {"lot": Alias("alias", "number", lots_by_alias)}

#: type -> rows of other tables that an accepted operation proves.
PROJECTIONS = {"alias": alias_edges, "step_record": edges, "trace_event": event_rows}

#: type -> what else is kept in the same transaction. Only these may write outside the door's own code.
EFFECTS = {
    "alias": void_earlier,
    "lot": follow_lots,
    "move": keep_stock,
    "receipt": follow_receipts,
    "scope": keep_lines,
    "step_record": void_earlier,
    "trace_event": take_back_declared,
}

#: (type, what follows): operations that go through append again, at most three rounds.
REACTIONS = (
    ("step_record", block_output),
    ("result", block_lot),
    ("result", dispute),
    ("alias", dispute_joined),
    ("correction", apply_correction),
    ("alias", carry_holds),
    ("lot", carry_holds),
    ("receipt", carry_holds),
    ("trace_event", carry_holds),
)


def wiring(cursor: Any | None = None) -> Wiring:
    """The wiring with the sites as they are now; without a cursor, for a network of one site."""
    return Wiring(
        facts=FACTS,
        admission=ADMISSION,
        projections=PROJECTIONS,
        effects=EFFECTS,
        reactions=REACTIONS,
        protect=protect,
        aliases=ALIASES,
        sites=site_codes(cursor) if cursor is not None else (),
    )


WIRING = wiring()
