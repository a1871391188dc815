"""A frozen scope is checked by a program that knows nothing of Medloom, from the exported file alone."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from medloom.kernel.access import ALL, seeing
from medloom.trace.models import Scope
from tests.browser.network import sequence
from tests.journeys.test_scope_exports import EXPECTED, QUESTION, client  # noqa: F401 - a fixture
from tools.fault import ROOT

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def check(path: Path, body: Any, *more: str) -> tuple[int, str]:
    """What the checker says; isolated, so that it cannot import anything of ours."""
    path.write_text(json.dumps(body), "utf-8")
    program = str(ROOT / "tools" / "scopeproof.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", program, str(path), *more], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def bend(text: str) -> str:
    """Other bytes of the same length."""
    raw = bytearray(base64.b64decode(text))
    raw[len(raw) // 2] ^= 1
    return base64.b64encode(bytes(raw)).decode()


LIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "bytes of a record": lambda b: b["receipts"][0].update(operation=bend(b["receipts"][0]["operation"])),
    "verdict of a record": lambda b: b["receipts"][0].update(verdict="rejected"),
    "a line left out": lambda b: b["lines"].pop(),
    "a quantity": lambda b: b["lines"][0].update(text=b["lines"][0]["text"] + "1"),
    "another record named": lambda b: b["lines"][0].update(record=1),
    "another consignee": lambda b: b["consignments"][0].update(
        text=b["consignments"][0]["text"].replace("CLINIC", "NOBODY")
    ),
    "a consignment left out": lambda b: b["consignments"].pop(),
    "a consignment's record": lambda b: b["consignments"][0].update(record=1),
    "another question": lambda b: b.update(expression='affected({lot = "X"})'),
    "a proof left out": lambda b: b["receipts"].pop(),
    "place in the log": lambda b: b["freeze"].update(index=b["freeze"]["index"] + 1),
}


def test_the_proofs_of_a_frozen_scope_hold_without_the_hub(client: Client, tmp_path: Path) -> None:  # noqa: F811
    given = {"q": QUESTION, "title": "Black spots", "reason": "complaint 12"}
    assert client.post("/scope/freeze/", given).status_code == 302
    with seeing(ALL):
        scope = Scope.objects.get()
    address = f"/scope/{scope.object}/proofs.json"
    assert client.get(address).status_code == 409, "not in the log yet"
    sequence()
    assert "proofs.json" in client.get(f"/scope/{scope.object}/").content.decode()
    answer = client.get(address)
    assert answer.status_code == 200
    body = answer.json()
    assert {line["lot"] for line in body["lines"]} == EXPECTED and body["digest"] == scope.digest
    root = body["freeze"]["head"]["root"]
    path = tmp_path / "proofs.json"
    code, said = check(path, body, "--root", root)
    assert code == 0 and said.rstrip().endswith("holds"), said
    assert check(path, body, "--root", "00" * 32)[0] == 1
    for what, lie in LIES.items():
        bent = json.loads(answer.content)
        lie(bent)
        code, said = check(path, bent, "--root", root)
        assert code == 1 and "FAILS" in said, (what, said)
    assert check(path, {"format": "nothing"})[0] == 1
