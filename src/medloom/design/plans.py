"""From a QIF plan to specifications: what each characteristic of an item is to be judged by. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medloom.design.rules import next_revision
from medloom.formats.cells import Converted
from medloom.formats.qif import read_qif
from medloom.formats.qif_tables import tables

#: Units that a file states only as a dimension; whoever takes the plan over says what they are.
UNSTATED = {"linear": "mm", "angular": "deg"}
#: Fields in which a plan and a released specification are compared.
LIMITS = ("unit", "nominal", "low", "high")


@dataclass(frozen=True)
class Planned:
    """One characteristic of a plan as fields of a specification; `note` says why it cannot be one so."""

    fields: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True)
class Standing:
    """The newest revision of a specification at a site: its object, revision, state and limits."""

    object: str
    revision: str
    state: str
    limits: tuple[str | None, ...]


@dataclass(frozen=True)
class Step:
    """What becomes of one characteristic: `new`, `next` (a revision), `same` or `refused` (with the note)."""

    what: str
    fields: Mapping[str, Any]
    replaces: str = ""
    note: str = ""


def read_plan(data: bytes, *, item: str, prefix: str = "") -> Iterator[Planned]:
    """Each characteristic of the file once. Raises FileRefused as `read_qif` does.

    prefix  stands between the item and the characteristic's name, for a second laboratory's own plan
    """
    plan = tables(read_qif(data), name="", digest=hashlib.sha256(data).hexdigest())["plan"]
    for cells in plan[1:]:
        row = dict(zip(plan[0], cells, strict=True))
        fields = {
            "number": f"{item}.{prefix}{row['code']}",
            "characteristic": row["characteristic"],
            "unit": UNSTATED.get(row["unit"], row["unit"]),
            "nominal": _text(row["nominal"]),
            "low": _text(row["low"]),
            "high": _text(row["high"]),
            "method": row["kind"],
        }
        yield Planned({name: value for name, value in fields.items() if value is not None}, row["note"])


def _text(cell: Any) -> str | None:
    """The number as the field writes it: six decimals at most, no idle zeros."""
    value = cell.value if isinstance(cell, Converted) else cell
    if value is None:
        return None
    text = f"{round(value, 6):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def steps(planned: Iterator[Planned], standing: Mapping[str, Standing]) -> Iterator[Step]:
    """What to do with each characteristic, given what stands. One that stands with the same limits stays."""
    for one in planned:
        stands = standing.get(str(one.fields["number"]))
        if one.note:
            yield Step("refused", one.fields, note=one.note)
        elif stands is None:
            yield Step("new", {**one.fields, "revision": "A"})
        elif stands.limits == tuple(one.fields.get(name) for name in LIMITS):
            yield Step("same", one.fields)
        else:
            fields = {**one.fields, "revision": next_revision(stands.revision)}
            yield Step("next", fields, replaces=stands.object if stands.state == "released" else "")
