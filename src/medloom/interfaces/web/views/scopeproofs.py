"""A frozen scope with all that proves it, as one file checked without the hub by tools/scopeproof.py."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from medloom.interfaces.web.problems import Problem
from medloom.interfaces.web.receipts import receipt_of
from medloom.kernel.cursor import open_cursor
from medloom.kernel.models import Entry
from medloom.trace.frozen.handed import in_order
from medloom.trace.frozen.lines import digest
from medloom.trace.frozen.queries import frozen_handed, frozen_lines
from medloom.trace.models import Scope
from medloom.wire.receipt import Receipt

FORMAT = "medloom scope proofs 1"
#: Records whose proofs one file holds; each costs a few reads.
RECORDS_MOST = 1_000


def give_proofs(request: HttpRequest, object_: Any) -> HttpResponse:
    """The lines as they were hashed, the record that froze them, and the receipt of each proving record."""
    scope = Scope.objects.filter(object=object_, state="frozen").first()
    if scope is None:
        raise Http404
    with open_cursor() as cursor:
        lines = frozen_lines(cursor, scope.num)
        handed = in_order(frozen_handed(cursor, scope.num))
    lines.sort(key=lambda line: (line.site, line.key))
    seqs = sorted({one.entry for one in (*lines, *handed) if one.entry})
    if len(seqs) > RECORDS_MOST:
        raise Problem(422, "scope_too_large", expected=str(RECORDS_MOST), got=str(len(seqs)))
    body = {
        "format": FORMAT,
        "scope": scope.number,
        "expression": scope.expression,
        "digest": digest(scope.expression, lines, handed),
        "lines": [
            {"site": line.site, "lot": line.key, "record": line.entry, "text": line.text()} for line in lines
        ],
        "consignments": [{"record": one.entry, "text": one.text()} for one in handed],
        "freeze": _tree(receipt_of(_freeze(scope))),
        "receipts": [
            _tree(receipt_of(entry)) for entry in Entry.objects.filter(seq__in=seqs).order_by("seq")
        ],
    }
    found = HttpResponse(orjson.dumps(body, option=orjson.OPT_INDENT_2), content_type="application/json")
    found["Content-Disposition"] = content_disposition_header(True, f"{scope.number}-proofs.json")
    return found


def _freeze(scope: Scope) -> Entry:
    for entry in Entry.objects.filter(object=scope.object, verdict="accepted").order_by("seq"):
        if orjson.loads(entry.body).get("fields", {}).get("command") == "freeze":
            return entry
    raise Http404


def _tree(receipt: Receipt) -> Any:
    return msgspec.to_builtins(receipt)
