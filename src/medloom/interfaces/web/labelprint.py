"""A UDI label as a printed page: GS1 DataMatrix, its human-readable interpretation, and the device in words.

The interpretation (HRI) stands beside the symbol, one element string to a line, application identifiers in
parentheses that are not in the symbol (GS1 General Specifications 4.14). Other text is kept apart from it.
What is printed is handed over as data and never as markup, so no lot number can be a command.
"""

from __future__ import annotations

import json
import re

from django.utils.translation import get_language

from medloom.interfaces.web.carrier import drawn
from medloom.interfaces.web.scopeprint import FONTS, FontMissing

#: Where an element string begins in a UDI with brackets.
ELEMENT = re.compile(r"(?=\((?:01|11|17|10|21)\))")
PAGE = """
#let data = json(bytes(sys.inputs.data))
#set document(title: data.title)
#set page(width: 90mm, height: auto, margin: 4mm, fill: white)
#set text(font: "Noto Sans SC", size: 9pt, lang: data.lang)
#set par(justify: false, leading: 0.5em)
#grid(columns: (auto, 1fr), column-gutter: 4mm, align: horizon,
  image(bytes(data.symbol), format: "svg", width: data.side * 1mm),
  stack(spacing: 1.6mm,
    ..data.words.map(w => text(weight: "bold", w)),
    ..data.hri.map(line => text(size: 8.5pt, line)),
  ))
#if data.note != "" [#v(1mm) #text(6.5pt, fill: luma(90), data.note)]
"""


def elements(text: str) -> list[str]:
    """The element strings of a UDI with brackets: the lines of its human-readable interpretation."""
    return [line for line in ELEMENT.split(text) if line]


def print_label(text: str, *, di: str, words: list[str], note: str = "", form: str = "pdf") -> bytes:
    """The label of a UDI (`design.udi.build_gs1`) as PDF or PNG bytes. Raises FontMissing.

    words  what else names the device (brand, model), each a line of its own
    note   small print below, such as the mark of generated data
    """
    if not any(FONTS.glob("*.ttf")):
        raise FontMissing(str(FONTS))
    symbol = drawn(text, title=f"DataMatrix {di}")
    side = re.search(r'width="([\d.]+)mm"', symbol)
    data = {
        "title": f"UDI {text}",
        "symbol": symbol,
        "side": float(side[1]) if side else 20.0,
        "hri": elements(text),
        "words": [word for word in words if word],
        "note": note,
        "lang": "zh" if (get_language() or "").startswith("zh") else "en",
    }
    import typst  # not carried by web processes that never need it

    compiled = typst.compile(
        PAGE.encode(),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        format=form,
        ppi=300 if form == "png" else None,
        sys_inputs={"data": json.dumps(data)},
    )
    return bytes(compiled[0] if isinstance(compiled, list) else compiled)
