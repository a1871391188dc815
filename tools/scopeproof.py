"""Check the proofs of a frozen scope without Medloom: nothing is imported but Python's own library.

python tools/scopeproof.py FILE [--root HEX]: prints what was checked; exit code 1 if anything does not hold.
Written apart from the hub's code on purpose: two programs that agree are worth more than one called twice.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any


def sha256(*parts: bytes) -> bytes:
    """The hash of these bytes, one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def proven(receipt: dict[str, Any]) -> str:
    """The root that a record's bytes lead to; "" where the way does not end. Raises on what is no receipt."""
    operation = sha256(base64.b64decode(receipt["operation"], validate=True))
    told = (receipt["seq"], receipt["verdict"], receipt["object"], receipt["version"])
    head = "medloom entry 1\n" + "".join(f"{each}\n" for each in told)
    entry = sha256(head.encode(), operation, receipt["decision"].encode())
    top = sha256(b"\x00", bytes.fromhex(receipt["salt"]), entry)
    at, last = int(receipt["index"]), int(receipt["head"]["size"]) - 1
    if not 0 <= at <= last:
        return ""
    for step in (bytes.fromhex(each) for each in receipt["path"]):
        if last == 0:
            return ""
        if at % 2 or at == last:
            top = sha256(b"\x01", step, top)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            top = sha256(b"\x01", top, step)
        at, last = at // 2, last // 2
    return "" if last else top.hex()


def faults(body: dict[str, Any], root: str = "") -> list[str]:
    """What does not hold, in words."""
    found = []
    receipts = [body["freeze"], *body["receipts"]]
    for each in receipts:
        stated = each["head"]["root"]
        if proven(each) != stated:
            found.append(f"record {each['seq']}: its bytes do not lead to the stated root")
        if root and stated != root:
            found.append(f"record {each['seq']}: proven under another root than the one named")
    made = hashlib.sha256(body["expression"].encode())
    for line in body["lines"]:
        made.update(b"\n" + line["text"].encode())
        site, lot, _distance, record = line["text"].split("\t")[:4]
        if (site, lot, record) != (line["site"], line["lot"], str(line["record"])):
            found.append(f"lot {line['lot']}: the line says otherwise than the text that was hashed")
    consignments = body.get("consignments", [])
    for line in consignments:
        made.update(b"\n" + line["text"].encode())
        if line["text"].split("\t")[-1] != str(line["record"]):
            found.append(f"record {line['record']}: its consignment line names another one")
    frozen = json.loads(base64.b64decode(body["freeze"]["operation"]))["fields"]
    if made.hexdigest() != frozen.get("digest") or frozen.get("lots") != len(body["lines"]):
        found.append("the lines are not those that were frozen")
    if (frozen.get("consignments") or 0) != len(consignments):
        found.append("the consignment lines are not those that were frozen")
    if body["freeze"]["verdict"] != "accepted":
        found.append("the record that froze them was not accepted")
    missing = {line["record"] for line in (*body["lines"], *consignments)} - {
        each["seq"] for each in body["receipts"]
    }
    return found + [f"record {seq}: its proof is missing" for seq in sorted(missing)]


def unnamed(body: dict[str, Any]) -> list[str]:
    """Lots that the record proving them does not name letter by letter."""
    texts = {
        each["seq"]: base64.b64decode(each["operation"]).decode("utf-8", "replace")
        for each in body["receipts"]
    }
    return [
        line["lot"] for line in body["lines"]
        if json.dumps(line["lot"], ensure_ascii=False)[1:-1] not in texts.get(line["record"], "")
    ]  # fmt: skip


def main(arguments: list[str]) -> int:
    """Check one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--root", default="", help="the log's root, as you noted it (hex)")
    given = parser.parse_args(arguments)
    try:
        body = json.loads(given.file.read_bytes())
        wrong, others = faults(body, given.root.strip().lower()), unnamed(body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"FAILS  {given.file} is no file of proofs: {error!r}")
        return 1
    for each in wrong:
        print(f"FAILS  {each}")
    for lot in others:
        print(f"look   lot {lot}: its record does not name it letter by letter")
    head, lines, records = body["freeze"]["head"], len(body["lines"]), len(body["receipts"])
    sent = len(body.get("consignments", []))
    print(
        f"scope {body['scope']}: {lines} lines, {sent} consignments, {records} records, log of {head['size']}"
    )
    print(
        f"root {head['root']}" + ("" if given.root else " (name it with --root, as you noted it elsewhere)")
    )
    print("FAILS" if wrong else "holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
