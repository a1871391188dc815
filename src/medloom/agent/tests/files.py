"""Real files for tests, made when a test runs: .xlsx by openpyxl, .xls by xlwt, .csv by hand."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import openpyxl
import xlwt


def xlsx(rows: list[list[Any]], *, sheet: str = "Sheet1") -> bytes:
    """A workbook of one sheet."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xls(rows: list[list[Any]], *, sheet: str = "Sheet1") -> bytes:
    """A workbook of the old binary format."""
    book = xlwt.Workbook(encoding="utf-8")
    page = book.add_sheet(sheet)
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            page.write(r, c, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip file with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def understated(data: bytes, *, real_bytes: int, told_bytes: int) -> bytes:
    """The same archive with a directory that lies about one member's inflated size."""
    return data.replace(struct.pack("<I", real_bytes), struct.pack("<I", told_bytes))


MAPPING = """
feed: shifts
match: {files: ["report_*.xls*", "report_*.csv"]}
zone: Asia/Shanghai
aliases: {resin: [resine]}
ignored: {remark: for people only}
records:
  - type: lot
    kind: observe
    mentioned: true
    when: [lot]
    key: [lot]
    fields:
      number: {column: lot, as: lot}
      item: {column: resin, as: code}
  - type: step_record
    kind: observe
    key: [day, machine]
    at: day
    fields:
      number: {as: key}
      day: {column: day, as: date, required: true}
      machine: {column: machine, as: code, required: true}
      resin: {column: resin, as: code}
      resin_lot: {column: lot, as: lot}
      total: {column: total, as: integer}
      good: {column: good, as: integer}
      defects:
        as: list
        members:
          - keep_if: [count]
            fields: {kind: {as: constant, value: crack}, count: {column: crack, as: integer}}
balances:
  - {name: defects_balance, sum: [good, defects.count], equals: total}
"""
HEADER = ["day", "machine", "resin", "lot", "total", "good", "crack"]
