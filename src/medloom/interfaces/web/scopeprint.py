"""A scope as a printed report (PDF), set by typst with a font that has Chinese letters.

What is printed is handed over as data and never as markup, so no lot number can be a command.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from medloom.interfaces.web.columns import idle_free, unit_word
from medloom.interfaces.web.consigning import amount_of
from medloom.interfaces.web.scopeexport import Report, consignees_table, lots_table
from medloom.interfaces.web.scopewords import meant_words
from medloom.interfaces.web.words import verdict_word
from medloom.trace.frozen.lines import ordered
from medloom.trace.scopes.balance import totals

FONTS = Path(__file__).resolve().parent / "static" / "vendor" / "fonts"
#: Lots of one printed report; whoever needs more needs the workbook.
PRINTED_MOST = 3_000
#: Columns of the lots' table that are printed.
PRINTED = (0, 1, 2, 4, 6, 5, 7, 8, 9, 10, 11, 13, 16)
#: Ranges of devices of one lot that are printed.
RANGES_PRINTED = 20
#: Lot numbers of one consignee that are printed.
LOTS_PRINTED = 12
PAGE = """
#let data = json(bytes(sys.inputs.data))
#set page(paper: "a4", flipped: true, margin: (x: 14mm, y: 15mm), footer: context [
  #set text(7pt, fill: luma(90))
  #data.foot #h(1fr) #counter(page).display("1 / 1", both: true)])
#set text(font: "Noto Sans SC", size: 8pt, lang: data.lang, ligatures: false)
#set par(justify: false)
#text(15pt, weight: "bold", data.title)
#v(2mm)
#let said = data.about.map(p => (text(fill: luma(90), p.at(0)), p.at(1)))
#grid(columns: (32mm, 1fr), row-gutter: 1.6mm, ..said.flatten())
#v(3mm)
#for block in data.blocks [
  #if block.title != "" {
    std.block(sticky: true, above: 6mm, below: 3mm, text(10.5pt, weight: "bold", block.title))
  }
  #if block.note != "" [#text(fill: rgb("#8a4b00"), block.note) #v(1mm)]
  #if block.rows.len() > 0 [
    #let wide = n => if block.wide.contains(n) { 1fr } else { auto }
    #table(columns: range(block.head.len()).map(wide), inset: (x: 1.4mm, y: 1mm),
      stroke: (x, y) => (bottom: 0.3pt + luma(200)),
      align: (x, y) => if block.right.contains(x) { right } else { left },
      table.header(..block.head.map(h => text(7pt, fill: luma(80), weight: "bold", h))),
      ..block.rows.flatten())
  ]
]
"""


class FontMissing(RuntimeError):
    """The letters of printed documents are not there: run `make assets`."""


def _cell(value: object) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _block(
    title: str,
    head: list[str],
    rows: list[list[str]],
    *,
    note: str = "",
    right: Sequence[int] = (),
    wide: Sequence[int] | None = None,
) -> dict[str, object]:
    """A table: columns whose figures stand to the right, and those that share what is left of the width."""
    shared = list(right if wide is None else wide)
    return {"title": title, "head": head, "rows": rows, "note": note, "right": list(right), "wide": shared}


def _parts(report: Report) -> dict[str, object]:
    """Lots that are meant in part: which devices, and why more than these stays in."""
    rows = []
    for line in [one for one in ordered(report.lines) if one.meant != "whole"][:PRINTED_MOST]:
        spans = [f"{first}–{last}" for first, last in line.spans]
        more = [_("and %(count)s more") % {"count": len(spans) - RANGES_PRINTED}]
        shown = spans[:RANGES_PRINTED] + (more if len(spans) > RANGES_PRINTED else [])
        label, why = meant_words(line.meant, numbered=bool(spans))
        rows.append([line.key, line.site, f"{line.devices:,}", ", ".join(shown), f"{label} · {why}"])
    head = [_("Lot number"), _("Plant"), _("Devices"), _("Numbers"), _("Meant")]
    return _block(_("Lots meant in part"), head, rows, note="" if rows else _("None."), right=[2], wide=[3])


def _consignees(report: Report) -> dict[str, object]:
    """Who is to be told, and of how much; which lots as far as a line of paper takes them."""
    rows = []
    for one, row in zip(report.consigned[:PRINTED_MOST], consignees_table(report).rows, strict=False):
        days = " – ".join(dict.fromkeys(day for day in (row[9], row[10]) if day))
        amount = amount_of(one.unit, one.quantity)
        lots = row[12].split(", ")
        more = _("and %(count)s more") % {"count": len(lots) - LOTS_PRINTED}
        named = lots[:LOTS_PRINTED] + ([more] if len(lots) > LOTS_PRINTED else [])
        part = _cell(row[6]) if one.in_part else ""
        back = amount_of(one.unit, one.returned) if one.returned else ""
        out = "" if one.nameless else amount_of(one.unit, one.left)
        shipped = "" if one.nameless else amount
        rows.append(
            [row[0], row[1], row[3], shipped, part, back, out, str(one.shipments), days, ", ".join(named)]
        )
    head = [
        _("Consignee"), _("Region"), _("From plant"), _("Quantity"), _("Of lots meant in part"),
        _("Came back"), _("Still out there"), _("Shipments"), _("Shipped on"), _("Lot numbers"),
    ]  # fmt: skip
    empty = _("No shipment of these lots is on record.")
    return _block(_("Consignees"), head, rows, note="" if rows else empty, right=[3, 4, 5, 6, 7], wide=[9])


def print_of(report: Report) -> bytes:
    """The report as PDF bytes. Raises FontMissing."""
    if not any(FONTS.glob("*.ttf")):
        raise FontMissing(str(FONTS))
    table = lots_table(report)
    sums = [
        [
            str(unit_word(unit)) or _("pieces"),
            *(
                idle_free(n)
                for n in (one.made, one.stock, one.shipped, one.scrapped, one.consumed, one.returned)
            ),
            idle_free(one.unknown),
        ]
        for unit, one in sorted(totals(line.balance for line in report.lines).items())
    ]
    head = [
        _("Unit"), _("Quantity made"), _("Stock"), _("Shipped"), _("Scrapped"), _("Consumed"), _("Returned"),
        _("Unknown"),
    ]  # fmt: skip
    left_out = len(table.rows) - PRINTED_MOST
    note = _("%(count)s more lots are in the workbook.") % {"count": left_out} if left_out > 0 else ""
    rows = [[_cell(row[at]) for at in PRINTED] for row in table.rows[:PRINTED_MOST]]
    waiting = [
        [str(one["seq"]), one["site"], str(verdict_word(one["verdict"]).label), ", ".join(one["words"])]
        for one in report.perhaps[:200]
    ]
    blocks = [
        _block(_("What became of it"), head, sums, right=list(range(1, 8))),
        _block(
            _("Possibly affected, not yet admitted"),
            [_("Record"), _("Plant"), _("Verdict"), _("Words that name a lot")], waiting,
            note="" if waiting else _("None."),
        ),
        _block(
            _("Lots in this scope"), [table.head[at] for at in PRINTED], rows, note=note,
            right=[0, *range(5, len(PRINTED))], wide=range(5, len(PRINTED)),
        ),
    ]  # fmt: skip
    blocks.insert(1, _consignees(report))
    blocks.insert(3, _parts(report))
    data = {
        "title": report.title,
        "about": [list(pair) for pair in report.about],
        "blocks": blocks,
        "foot": f"Medloom · {report.title}",
        "lang": "zh" if (get_language() or "").startswith("zh") else "en",
    }
    import typst  # not carried by web processes that never need it

    compiled = typst.compile(
        PAGE.encode(),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data)},
    )
    return bytes(compiled)
