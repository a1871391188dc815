"""Plant C's ERP: tables of a trading and making firm in a database of its own, filled from files or invented.

The tables have the columns of the sample database whose export is read (data/adventureworks_erp), dirt
included: unit codes with blanks at their end, "NULL" as a word, dates that a spreadsheet has destroyed. The
demonstration loads them once; from then on the agent polls them as it would any plant's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

REAL_FOLDER = "adventureworks_erp"
META = sa.MetaData()
_TEXT, _WHOLE, _NUMBER, _TIME = sa.Text, sa.Integer, sa.Numeric(18, 4), sa.DateTime


def _table(name: str, *columns: tuple[str, Any], keys: int = 1) -> sa.Table:
    made = [sa.Column(n, kind, primary_key=i < keys) for i, (n, kind) in enumerate(columns)]
    return sa.Table(name, META, *made)


_CHANGED = ("modified_date", _TIME)
PRODUCT = _table(
    "product", ("product_id", _WHOLE), ("name", _TEXT), ("product_number", _TEXT), ("make_flag", _TEXT),
    ("finished_goods_flag", _TEXT), ("color", _TEXT), ("safety_stock_level", _WHOLE),
    ("reorder_point", _WHOLE), ("standard_cost", _NUMBER), ("list_price", _NUMBER), ("size", _TEXT),
    ("size_unit", _TEXT), ("weight_unit", _TEXT), ("weight", _NUMBER), ("days_to_manufacture", _WHOLE),
    ("product_line", _TEXT), ("class", _TEXT), ("style", _TEXT), ("subcategory_id", _WHOLE),
    ("model_id", _WHOLE), ("sell_start_date", _TIME), ("sell_end_date", _TIME),
    ("discontinued_date", _TIME), ("rowguid", _TEXT), _CHANGED,
)  # fmt: skip
VENDOR = _table(
    "vendor", ("vendor_id", _WHOLE), ("account_number", _TEXT), ("name", _TEXT), ("credit_rating", _WHOLE),
    ("preferred", _TEXT), ("active", _TEXT), ("web_service", _TEXT), _CHANGED,
)  # fmt: skip
PRODUCT_VENDOR = _table(
    "product_vendor", ("product_id", _WHOLE), ("vendor_id", _WHOLE), ("average_lead_time", _WHOLE),
    ("standard_price", _NUMBER), ("last_receipt_cost", _NUMBER), ("last_receipt_date", _TIME),
    ("min_order_qty", _WHOLE), ("max_order_qty", _WHOLE), ("on_order_qty", _WHOLE), ("unit_code", _TEXT),
    _CHANGED, keys=2,
)  # fmt: skip
BILL_OF_MATERIALS = _table(
    "bill_of_materials", ("bom_id", _WHOLE), ("assembly_id", _WHOLE), ("component_id", _WHOLE),
    ("start_date", _TIME), ("end_date", _TIME), ("unit_code", _TEXT), ("bom_level", _WHOLE),
    ("per_assembly_qty", _NUMBER), _CHANGED,
)  # fmt: skip
PURCHASE_ORDER = _table(
    "purchase_order_header", ("purchase_order_id", _WHOLE), ("revision_number", _WHOLE), ("status", _TEXT),
    ("employee_id", _WHOLE), ("vendor_id", _WHOLE), ("ship_method_id", _WHOLE), ("order_date", _TIME),
    ("ship_date", _TIME), ("sub_total", _NUMBER), ("tax_amount", _NUMBER), ("freight", _NUMBER),
    ("total_due", _NUMBER), _CHANGED,
)  # fmt: skip
PURCHASE_LINE = _table(
    "purchase_order_detail", ("purchase_order_id", _WHOLE), ("detail_id", _WHOLE), ("due_date", _TIME),
    ("order_qty", _NUMBER), ("product_id", _WHOLE), ("unit_price", _NUMBER), ("line_total", _NUMBER),
    ("received_qty", _NUMBER), ("rejected_qty", _NUMBER), ("stocked_qty", _NUMBER), _CHANGED, keys=2,
)  # fmt: skip
#: The dates came back from a spreadsheet as "00:00.0": what is kept of them is that text.
WORK_ORDER = _table(
    "work_order", ("work_order_id", _WHOLE), ("product_id", _WHOLE), ("order_qty", _WHOLE),
    ("stocked_qty", _WHOLE), ("scrapped_qty", _WHOLE), ("start_date", _TEXT), ("end_date", _TEXT),
    ("due_date", _TEXT), ("scrap_reason_id", _TEXT), ("modified_date", _TEXT),
)  # fmt: skip
SCRAP_REASON = _table("scrap_reason", ("scrap_reason_id", _WHOLE), ("name", _TEXT), _CHANGED)
LOCATION = _table(
    "location", ("location_id", _WHOLE), ("name", _TEXT), ("cost_rate", _NUMBER),
    ("availability", _NUMBER), _CHANGED,
)  # fmt: skip
SHIFT = _table(
    "shift", ("shift_id", _WHOLE), ("name", _TEXT), ("start_time", _TEXT), ("end_time", _TEXT), _CHANGED
)
UNIT = _table("unit_measure", ("unit_code", _TEXT), ("name", _TEXT), _CHANGED)
MODEL = _table(
    "product_model", ("model_id", _WHOLE), ("name", _TEXT), ("catalog_description", _TEXT),
    ("instructions", _TEXT), ("rowguid", _TEXT), _CHANGED,
)  # fmt: skip

#: Table -> the file its rows come in, in the order of loading.
FILES = {
    UNIT: "UnitMeasure.csv",
    SCRAP_REASON: "ScrapReason.csv",
    LOCATION: "Location.csv",
    SHIFT: "Shift.csv",
    MODEL: "ProductModel.csv",
    PRODUCT: "Product.csv",
    VENDOR: "Vendor.csv",
    PRODUCT_VENDOR: "ProductVendor.csv",
    BILL_OF_MATERIALS: "BillOfMaterials.csv",
    PURCHASE_ORDER: "PurchaseOrderHeader.csv",
    PURCHASE_LINE: "PurchaseOrderDetail.csv",
    WORK_ORDER: "WorkOrder_excel_damaged.csv",
}
#: An order's line has no unit; it is bought in the unit agreed with that vendor. The agent reads this view.
LINE_VIEW = """create or replace view purchase_line_told as
    select d.*, coalesce(v.unit_code, 'EA ') as unit_code from purchase_order_detail d
    left join purchase_order_header h on h.purchase_order_id = d.purchase_order_id
    left join product_vendor v on v.product_id = d.product_id and v.vendor_id = h.vendor_id"""


def read_rows(path: Path) -> Iterator[list[str]]:
    """The rows of one export as texts: tab-separated, comma-separated below a header, or `+|` and `&|`.

    The encoding is told by the byte order mark, and is UTF-8 without one.
    """
    data = path.read_bytes()
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16" if wide else "utf-8-sig").replace("\r\n", "\n")
    if "+|" in text.split("\n", 1)[0]:
        # Fields may hold line breaks (XML), so a row ends at its own mark and not at the end of a line.
        for row in text.split("&|"):
            if row.strip():
                yield row.lstrip("\n").split("+|")
        return
    lines = [line for line in text.split("\n") if line]
    split = "\t" if "\t" in lines[0] else ","
    yield from (line.split(split) for line in (lines[1:] if split == "," else lines))


def _value(text: str, kind: Any) -> Any:
    if isinstance(kind, sa.Text):
        return text or None
    if not text.strip() or text.strip() == "NULL":
        return None
    if isinstance(kind, sa.DateTime):
        return dt.datetime.fromisoformat(text.strip())
    return Decimal(text) if isinstance(kind, sa.Numeric) else int(text)


def load(engine: sa.Engine, folder: Path) -> bool:
    """Make the tables and fill them from the files, unless that was done; whether it was done now."""
    return fill(engine, {table: typed_rows(table, folder / name) for table, name in FILES.items()})


def typed_rows(table: sa.Table, path: Path) -> Iterator[dict[str, Any]]:
    """The rows of one file as its table holds them: texts, numbers, moments, None where there is nothing."""
    for row in read_rows(path):
        yield {c.name: _value(text, c.type) for c, text in zip(table.columns, row, strict=True)}


def fill(engine: sa.Engine, rows: dict[sa.Table, Iterator[dict[str, Any]]]) -> bool:
    """Make the tables and put these rows into them, all or none, unless they are there."""
    META.create_all(engine)
    with engine.begin() as connection:
        if connection.execute(sa.select(sa.func.count()).select_from(UNIT)).scalar_one():
            return False
        for table, found in rows.items():
            # One statement for all rows takes the columns of the first: each row names every column.
            if made := [{c.name: row.get(c.name) for c in table.columns} for row in found]:
                connection.execute(table.insert(), made)
        connection.exec_driver_sql(LINE_VIEW)
    return True


def real_folder(data: Path) -> Path | None:
    """The folder of the ERP's export below `data`, or None."""
    folder = data / REAL_FOLDER
    return folder if (folder / FILES[PRODUCT]).is_file() else None
