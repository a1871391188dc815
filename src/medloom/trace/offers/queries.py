"""Values of a dimension that exist and hold what was typed so far; for type-ahead only, never an answer."""

from __future__ import annotations

from typing import Any

OFFERED_MOST = 20
#: Where no index names the values, so many of the newest rows are looked at.
SAMPLED_MOST = 20_000

#: Dimension -> table and column of its numbers.
_NUMBERS = {
    "lot": ("lot", "key"),
    "supplier_lot": ("alias", "number"),
    "serial": ("serial", "number"),
    "item": ("item", "key"),
    "site": ("site", "key"),
    "work_order": ("work_order", "key"),
    "equipment": ("equipment", "key"),
    "machine": ("equipment", "key"),
    "mould": ("equipment", "key"),
    "gauge": ("gauge", "key"),
    "vendor": ("vendor", "key"),
    "consignee": ("consignee", "key"),
    "shipment": ("shipment", "key"),
}
_KINDS = {
    "machine": "and (kind is null or kind = 'machine')",
    "mould": "and (kind is null or kind = 'mould')",
}
#: Dimension -> table, column and which rows an index of it holds: its values come one index look-up each.
_WORDS = {
    "parameter": ("step_parameter", "name", "until is null"),
    "operator": ("step_record", "operator", "operator is not null"),
    "program": ("step_record", "program", "program is not null"),
    "characteristic": ("result", "characteristic", "characteristic is not null"),
    "inspector": ("result", "inspector", "inspector is not null"),
}
_SAMPLED = {
    "shift": ("step_record", "shift"),
    "laboratory": ("result", "laboratory"),
    "value_unit": ("result", "unit"),
}


def offered(cursor: Any, dimension: str, text: str) -> list[str]:
    """Values of that dimension that hold the text, as far as the caller may see them; [] for a range."""
    held = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    if dimension in _NUMBERS:
        table, column = _NUMBERS[dimension]
        sql = f"""select distinct value from (select {column} as value from {table}
            where {column} ilike %s and not voided {_KINDS.get(dimension, "")} limit 200) found
            order by value limit {OFFERED_MOST}"""
    elif dimension in _WORDS:
        table, column, which = _WORDS[dimension]
        sql = f"""with recursive words (value) as (
                (select {column} from {table} where {which} order by {column} limit 1)
                union all
                select (select t.{column} from {table} t where {which} and t.{column} > words.value
                        order by t.{column} limit 1) from words where words.value is not null)
            select value from words where value ilike %s order by value limit {OFFERED_MOST}"""
    elif dimension in _SAMPLED:
        table, column = _SAMPLED[dimension]
        sql = f"""select distinct value from (select {column} as value from {table}
            where not voided order by num desc limit {SAMPLED_MOST}) found
            where value ilike %s order by value limit {OFFERED_MOST}"""
    elif dimension == "reading_unit":
        sql = f"""select distinct value from (select unit as value from step_parameter
            where until is null limit {SAMPLED_MOST}) found
            where value ilike %s order by value limit {OFFERED_MOST}"""
    else:
        return []
    return [row["value"] for row in cursor.execute(sql, (held,)).fetchall() if row["value"]]
