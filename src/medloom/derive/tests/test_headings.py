"""One table of header words serves the agent, which knows no type yet, and the form, which knows one."""

from __future__ import annotations

import pytest

from medloom.derive.headings import HEADINGS, field_of, fields_of

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("批号", "resin_lot"),
        ("物料编码", "number"),
        ("订单数量", "work_order"),
        ("设备编号", "machine"),
        ("名称*", "name"),
        ("lot number", ""),
        ("特性", ""),
    ],
)
def test_without_a_type_a_word_means_one_field(column: str, field: str) -> None:
    assert field_of(column) == field


def test_with_a_type_only_its_fields_are_named_each_once() -> None:
    result = {"lot": ["Lot"], "value": ["Value"], "characteristic": ["Characteristic"]}
    assert fields_of(["批号", "批次", "数值", "特性"], result) == {
        "批号": "lot",
        "数值": "value",
        "特性": "characteristic",
    }
    step = {"resin_lot": ["Resin lot"], "item": ["Item"], "note": ["Note"]}
    assert fields_of(["批号", "物料", "备注"], step) == {"批号": "resin_lot", "物料": "item", "备注": "note"}


def test_a_fields_own_name_comes_before_any_word() -> None:
    labels = {"good": ["Good pieces", "合格数"], "total": ["Pieces made", "生产总数"]}
    assert fields_of(["合格数", "良品", "总数"], labels) == {"合格数": "good", "总数": "total"}
    assert fields_of(["生产总数（件）*"], labels) == {"生产总数（件）*": "total"}


def test_the_word_that_says_more_is_served_first_in_whatever_order_the_columns_stand() -> None:
    step = {"resin_lot": ["Resin lot"], "output_lot": ["Output lot"]}
    for columns in (["批号", "原料批号"], ["原料批号", "批号"]):
        assert fields_of(columns, step) == {"批号": "output_lot", "原料批号": "resin_lot"}
    assert fields_of(["CHARGE", "AUFNR"], {"number": ["Lot number"]}) == {"CHARGE": "number"}


def test_every_heading_can_mean_something() -> None:
    assert all(each.fields for each in HEADINGS)
    assert len({(each.word, each.whole) for each in HEADINGS}) == len(HEADINGS)


def test_the_usual_headers_of_chinese_systems() -> None:
    item = {"number": ["Item number"], "name": ["Item name"], "kind": ["Kind of item"]}
    assert fields_of(["料号", "品名", "单位", "版本"], item) == {"料号": "number", "品名": "name"}
    assert fields_of(["编码", "名称"], item) == {"编码": "number", "名称": "name"}
    step = {"item": ["Item"], "good": ["Good pieces"], "day": ["Day"], "revision": ["BOM revision"]}
    assert fields_of(["物料编码", "数量(件)", "版本"], step) == {
        "物料编码": "item",
        "数量(件)": "good",
        "版本": "revision",
    }
    assert fields_of(["不良数量", "不合格数"], step) == {}, "what was rejected is not good"
    result = {
        "value": ["Value"],
        "measured": ["Measured at"],
        "inspection": ["Inspection"],
        "judged": ["Judged"],
    }
    assert fields_of(["value_um", "taken_at", "检验单号", "检验结果"], result) == {
        "value_um": "value",
        "taken_at": "measured",
        "检验单号": "inspection",
        "检验结果": "judged",
    }


def test_a_lot_is_neither_an_item_nor_the_number_of_anything_else() -> None:
    receipt = {
        "number": ["收货单号", "Receipt number"],
        "lot": ["Lot received"],
        "item": ["Item"],
        "partner_lot": ["Sender's lot number"],
        "quantity": ["Quantity"],
        "received": ["Received on"],
    }
    columns = ["检验单", "料号", "批号", "供应商批号", "数量kg", "到货日期"]
    assert {column: fields_of(columns, receipt)[column] for column in columns} == {
        "检验单": "number",
        "料号": "item",
        "批号": "lot",
        "供应商批号": "partner_lot",
        "数量kg": "quantity",
        "到货日期": "received",
    }
    order = {"number": ["工单号"], "resin": ["Resin"], "item": ["Item"]}
    assert fields_of(["工单号", "原料批号", "物料批号"], order) == {"工单号": "number"}
