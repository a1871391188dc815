"""The steps of docs/operating/api.md, run as they stand: with a shell, curl and a web process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from medloom.production.models import WorkOrder
from tests.browser.network import build, found
from tests.journeys.calling import program
from tests.web_process import serving
from tools.fault import ROOT

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
STEP = re.compile(r"```sh\n(?P<commands>.*?)```\n\nAnswers (?P<status>[0-9]{3})", re.DOTALL)


def test_every_step_answers_as_the_document_says(transactional_db: None, tmp_path: Path) -> None:
    assert shutil.which("curl"), "curl is needed to try the document"
    steps = STEP.findall((ROOT / "docs" / "operating" / "api.md").read_text("utf-8"))
    assert len(steps) >= 8
    build()
    with serving() as address:
        told = {"HUB": address, "TOKEN": program("lin").text}
        told["ORDER"] = str(found(WorkOrder, "WO-0001").object)
        for commands, status in steps:
            done = subprocess.run(
                ["bash", "-e", "-c", commands],
                env=os.environ | told,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout.startswith(f"HTTP/1.1 {status} "), (commands, done.stdout)
            if "operations.ndjson" in commands:
                assert re.findall(r'"verdict":"(\w+)"', done.stdout) == ["accepted", "quarantined"]
