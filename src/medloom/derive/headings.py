"""What a column of a plant's file probably holds, by the words of its header. Pure.

One table for the agent, which writes a first mapping and knows no type yet, and for the hub's form, which
knows the fields of the object that a person is mending.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A word of headers: the fields it mostly means, likeliest first, and `alone` when no type is known.

    Without `alone` the word decides nothing by itself: a header in Latin letters names its field better
    than a guess of ours would. `whole`: the header is this word and nothing more, but for a unit.
    """

    word: str
    fields: tuple[str, ...]
    alone: str = ""
    whole: bool = False


#: The first word that fits counts, over all columns: "raw material lot" is served before "lot".
HEADINGS = (
    Heading("供应商批", ("partner_lot",)),
    Heading("发出方批", ("partner_lot",)),
    Heading("原料批", ("resin_lot",), "resin_lot"),
    Heading("树脂批", ("resin_lot",), "resin_lot"),
    Heading("产出批", ("output_lot",)),
    Heading("成品批", ("output_lot",)),
    Heading("生产批", ("output_lot", "number")),
    Heading("产品批", ("output_lot", "number")),
    Heading("工单", ("work_order",), "work_order"),
    Heading("订单数", ("quantity",)),
    Heading("订单", ("work_order",), "work_order"),
    Heading("批号", ("lot", "output_lot", "resin_lot", "number"), whole=True),
    Heading("批号", ("lot", "resin_lot", "output_lot", "number"), "resin_lot"),
    Heading("批次", ("lot", "output_lot", "number"), "resin_lot"),
    Heading("料号", ("item", "number"), "item"),
    Heading("物料编码", ("item", "number"), "number"),
    Heading("物料代码", ("item", "number"), "number"),
    Heading("编码", ("number", "item"), whole=True),
    Heading("品名", ("name",), "name"),
    Heading("物料名称", ("name",), "name"),
    Heading("收货单", ("number",)),
    Heading("入库单", ("number",)),
    Heading("送货单", ("number",)),
    Heading("检验单", ("inspection", "number")),
    Heading("检验结果", ("judged", "stated")),
    Heading("判定", ("judged", "stated")),
    Heading("结论", ("judged", "stated")),
    Heading("到货日", ("received", "day")),
    Heading("收货日", ("received", "day")),
    Heading("来料日", ("received", "day")),
    Heading("测量时", ("measured",)),
    Heading("检测时", ("measured", "performed")),
    Heading("检验时", ("performed", "measured")),
    Heading("版本", ("revision",)),
    Heading("数量", ("quantity", "good"), whole=True),
    Heading("用量", ("quantity",), whole=True),
    Heading("设备", ("machine",), "machine"),
    Heading("机台", ("machine",), "machine"),
    Heading("模具", ("mould",), "mould"),
    Heading("模次", ("shots",), "shots"),
    Heading("穴", ("cavities",), "cavities"),
    Heading("总数", ("total",), "total"),
    Heading("合格", ("good",), "good"),
    Heading("良品", ("good",), "good"),
    Heading("班次", ("shift",), "shift"),
    Heading("交期", ("due",), "due"),
    Heading("接单", ("received",), "received"),
    Heading("日期", ("day",), "day"),
    Heading("原料", ("resin",), "resin"),
    Heading("树脂", ("resin",)),
    Heading("色母", ("masterbatch",), "masterbatch"),
    Heading("添加剂", ("additive",)),
    Heading("产品", ("item",), "item"),
    Heading("物料", ("item",), "number"),
    Heading("特性", ("characteristic",)),
    Heading("颜色", ("colour",)),
    Heading("下限", ("low",)),
    Heading("上限", ("high",)),
    Heading("实测", ("value",)),
    Heading("检验员", ("inspector",)),
    Heading("操作工", ("operator",)),
    Heading("操作员", ("operator",)),
    Heading("类型", ("kind",)),
    Heading("类别", ("kind",)),
    Heading("报废", ("scrapped",)),
    Heading("数值", ("value",)),
    Heading("单位", ("unit",)),
    Heading("样品", ("sample",)),
    Heading("编码", ("number",), "number"),
    Heading("编号", ("number",), "number"),
    Heading("名称", ("name",), "name"),
    Heading("数量", ("quantity",), "quantity"),
    Heading("备注", ("remark", "note"), "remark"),
    Heading("resin lot", ("resin_lot",)),
    Heading("output lot", ("output_lot",)),
    Heading("output batch", ("output_lot",)),
    Heading("lot", ("lot", "resin_lot", "number")),
    Heading("batch", ("lot", "output_lot", "number")),
    Heading("machine", ("machine",)),
    Heading("lathe", ("machine",)),
    Heading("mill", ("machine",)),
    Heading("press", ("machine",)),
    Heading("line", ("machine",)),
    Heading("job", ("work_order", "number")),
    Heading("mould", ("mould",)),
    Heading("mold", ("mould",)),
    Heading("due", ("due",)),
    Heading("scrap", ("scrapped",)),
    Heading("order", ("work_order", "number")),
    Heading("shift", ("shift",)),
    Heading("cavit", ("cavities",)),
    Heading("shot", ("shots",)),
    Heading("good", ("good",)),
    Heading("ok", ("good",)),
    Heading("total", ("total",)),
    Heading("made", ("total", "made")),
    Heading("produced", ("total", "made")),
    Heading("expir", ("expires",)),
    Heading("date", ("day", "made")),
    Heading("taken at", ("measured",)),
    Heading("measured at", ("measured",)),
    Heading("feature", ("characteristic",)),
    Heading("lower", ("low",)),
    Heading("upper", ("high",)),
    Heading("min", ("low",)),
    Heading("max", ("high",)),
    Heading("measured", ("value", "measured")),
    Heading("actual", ("value",)),
    Heading("reading", ("value",)),
    Heading("when", ("measured", "started")),
    Heading("time", ("measured", "started")),
    Heading("item", ("item",)),
    Heading("part", ("item",)),
    Heading("qty", ("quantity",)),
    Heading("quantity", ("quantity",)),
    Heading("value", ("value",)),
    Heading("unit", ("unit",)),
    Heading("remark", ("remark", "note")),
    Heading("comment", ("remark", "note")),
    Heading("note", ("note", "remark")),
    Heading("name", ("name",)),
    Heading("operator", ("operator",)),
    # Short names that tables of widespread German and SAP systems use.
    Heading("charge", ("lot", "output_lot", "number")),
    Heading("charg", ("lot", "output_lot", "number")),
    Heading("aufnr", ("work_order", "number")),
    Heading("auftrag", ("work_order", "number")),
    Heading("matnr", ("item", "number")),
    Heading("artikel", ("item", "number")),
    Heading("herst", ("made", "day")),
    Heading("termin", ("due",)),
    Heading("soll", ("quantity",)),
    Heading("gamng", ("quantity",)),
    Heading("menge", ("quantity",)),
    Heading("einh", ("unit",)),
    Heading("meins", ("unit",)),
    Heading("bez", ("name",)),
    Heading("maktx", ("name",)),
)


#: What a header that has such a word never means, whatever else it says: a lot is no item, and what was
#: rejected is not good.
_NEVER = (
    (re.compile(r"批|\b(lot|batch|charge?)s?\b"), frozenset({"item", "resin", "masterbatch", "additive"})),
    (re.compile(r"不良|不合格|报废|废品|次品"), frozenset({"good", "quantity", "total"})),
)
_OF_A_LOT = re.compile(r"批|\b(lot|batch|charge?)s?\b", re.IGNORECASE)


def plain(text: str) -> str:
    """A header without brackets, stars, blanks at its ends, and differences of width and case."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("*", " ")
    return re.sub(r"\s+", " ", re.sub(r"[(\[【].*?[)\]】]", "", text)).strip()


def field_of(column: str) -> str:
    """The field that a header means when nothing is known of the type; "" when no word of it says."""
    return next((each.alone for each in HEADINGS if each.alone and each.word in column), "")


def _spaced(column: str) -> str:
    return plain(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", column))


def _says(column: str, heading: Heading) -> bool:
    """Whether a header has the word: at the start of a word in Latin letters (`moldNo`, `DUE_DATE`)."""
    word, spaced = heading.word, _spaced(column)
    if heading.whole:
        return word == re.sub(r"[\x00-\x7fµμ]+$", "", spaced)
    if not word.isascii():
        return word in spaced
    # A short word is a word of its own: "ok" is not in "token", nor "min" in "minutes".
    return bool(re.search(rf"\b{word}" + (r"s?\b" if len(word) <= 4 else ""), spaced))


def _may(column: str, name: str, labels: Mapping[str, Iterable[str]]) -> bool:
    """Whether nothing in a header speaks against the field; a lot's number is a number of lots only."""
    spaced = _spaced(column)
    if any(name in fields and words.search(spaced) for words, fields in _NEVER):
        return False
    if name != "number" or not _OF_A_LOT.search(spaced):
        return True
    return any(_OF_A_LOT.search(label) for label in labels[name])


def fields_of(
    columns: Iterable[str],
    labels: Mapping[str, Iterable[str]],
    holds: Callable[[str, str], bool] = lambda _column, _name: True,
) -> dict[str, str]:
    """Column -> field of a known type, each field once: by its own names first, then by the words.

    `labels`: field -> its names for people, in any language. `holds`: whether what stands in the column can
    be the field's value; a name that says "measured" over a number is no time.
    """
    columns = list(columns)
    found: dict[str, str] = {}
    known = {plain(word): name for name, words in labels.items() for word in (name, *words)}
    for column in columns:
        name = known.get(plain(column))
        if name is not None and name not in found.values() and holds(column, name):
            found[column] = name
    for heading in HEADINGS:
        for column in columns:
            if column in found or not _says(column, heading):
                continue
            free = (name for name in heading.fields if name in labels and name not in found.values())
            name = next((n for n in free if _may(column, n, labels) and holds(column, n)), "")
            if name:
                found[column] = name
    return found
