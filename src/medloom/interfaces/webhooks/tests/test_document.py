"""A receiver that has only the document can tell a delivery of the hub from a forged one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from medloom.wire.webhook import headers, private_key, public_text
from tools.fault import ROOT

pytestmark = pytest.mark.process
STEP = re.compile(r"### Check a signature\n.*?```sh\n(?P<commands>.*?)```", re.DOTALL)


def test_the_documented_check_takes_ours_and_nothing_else(tmp_path: Path) -> None:
    assert shutil.which("openssl"), "openssl is needed to try the document"
    found = STEP.search((ROOT / "docs" / "operating" / "events.md").read_text("utf-8"))
    assert found is not None
    old, new, foreign = (private_key(secret, n) for secret, n in (("s", 1), ("s", 2), ("other", 1)))
    body = '[{"id": "批\\u0000"}]'.encode()
    told = headers([old, new], id="sub-1-9", at_s=1_790_000_000, body=body)

    def checked(key: str, sent: bytes = body, **changed: str) -> bool:
        given = {**told, **changed}
        said = {"KEY": key, "ID": given["webhook-id"], "TIMESTAMP": given["webhook-timestamp"]}
        (tmp_path / "body").write_bytes(sent)
        done = subprocess.run(
            ["bash", "-c", found["commands"]],
            env=os.environ | said | {"SIGNATURES": given["webhook-signature"]},
            cwd=tmp_path,
            capture_output=True,
        )
        return done.returncode == 0

    assert checked(public_text(old)) and checked(public_text(new)), "either key, while one replaces the other"
    assert not checked(public_text(foreign))
    assert not checked(public_text(new), body + b" ")
    assert not checked(public_text(new), **{"webhook-id": "sub-1-8"})
    assert not checked(public_text(new), **{"webhook-timestamp": "1790000001"})
