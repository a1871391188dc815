"""What a web process carries before anybody asks: libraries of one page or of the agent come when needed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from medloom.process.programs import search_path

pytestmark = pytest.mark.process

#: Each of these is 5 to 40 MB in every web process.
HEAVY = ("sqlalchemy", "openpyxl", "fpdf", "numpy", "graphql", "paho", "asyncua", "nats", "hypothesis")
LOOK = """
import sys, medloom.rsgi
from django.urls import get_resolver
assert get_resolver().url_patterns
print(*sorted(sys.modules))
"""


def test_a_web_process_with_all_its_pages_holds_no_heavy_library() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOOK],
        env=os.environ | {"PYTHONPATH": search_path()},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    loaded = set(ended.stdout.split())
    assert "medloom.interfaces.web.urls" in loaded
    assert loaded & set(HEAVY) == set()
