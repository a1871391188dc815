"""Which field a column of a plant's file probably means: a proposal for a person's form. Pure.

The mapping itself stands at the plant; the hub sees only the cells of a row that could not be read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

#: Words of headers and the field they mostly mean; the first that fits counts.
WORDS = (
    ("原料批", "resin_lot"),
    ("树脂批", "resin_lot"),
    ("产出批", "output_lot"),
    ("工单", "work_order"),
    ("订单数", "quantity"),
    ("订单", "work_order"),
    ("批号", "lot"),
    ("批次", "lot"),
    ("批号", "resin_lot"),
    ("设备", "machine"),
    ("机台", "machine"),
    ("模具", "mould"),
    ("模次", "shots"),
    ("穴", "cavities"),
    ("总数", "total"),
    ("合格", "good"),
    ("良品", "good"),
    ("班次", "shift"),
    ("交期", "due"),
    ("接单", "received"),
    ("日期", "day"),
    ("原料", "resin"),
    ("树脂", "resin"),
    ("色母", "masterbatch"),
    ("添加剂", "additive"),
    ("产品", "item"),
    ("物料", "item"),
    ("特性", "characteristic"),
    ("名称", "name"),
    ("颜色", "colour"),
    ("数量", "quantity"),
    ("数值", "value"),
    ("单位", "unit"),
    ("样品", "sample"),
    ("备注", "remark"),
    ("备注", "note"),
    ("编号", "number"),
    ("编码", "number"),
    ("resin lot", "resin_lot"),
    ("lot", "lot"),
    ("machine", "machine"),
    ("mould", "mould"),
    ("mold", "mould"),
    ("order", "work_order"),
    ("shift", "shift"),
    ("cavit", "cavities"),
    ("shot", "shots"),
    ("good", "good"),
    ("total", "total"),
    ("date", "day"),
    ("item", "item"),
    ("part", "item"),
    ("qty", "quantity"),
    ("quantity", "quantity"),
    ("value", "value"),
    ("unit", "unit"),
    ("remark", "remark"),
    ("name", "name"),
)


def plain(text: str) -> str:
    """A header without brackets, blanks at its ends, and differences of width and case."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s+", " ", re.sub(r"[(\[【].*?[)\]】]", "", text)).strip()


def fields_of(columns: Iterable[str], labels: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Column -> field. `labels`: field -> its names for people, in any language; each field once."""
    columns = list(columns)
    found: dict[str, str] = {}
    known = {plain(word): name for name, words in labels.items() for word in (name, *words)}
    for column in columns:
        name = known.get(plain(column))
        if name is not None and name not in found.values():
            found[column] = name
    for column in columns:
        if column in found:
            continue
        for word, name in WORDS:
            if word in plain(column) and name in labels and name not in found.values():
                found[column] = name
                break
    return found
