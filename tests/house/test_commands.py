"""The checks that are programs of others fail when they should: on a copy of the source with one fault."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import check
from tools.fault import ROOT

pytestmark = pytest.mark.process


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the checks read."""
    made = shutil.ignore_patterns("__pycache__", "vendor", "*.egg-info")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=made)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    if (ROOT / "api").is_dir():
        shutil.copytree(ROOT / "api", tmp_path / "api")
    return tmp_path


def outcome(name: str, root: Path) -> tuple[int, str]:
    """Exit code and words of the check of that name on `root`."""
    command = next(c.command for c in check.checks(root) if c.name == name)
    env = dict(os.environ, DJANGO_SETTINGS_MODULE="medloom.settings", PYTHONPATH=str(root / "src"))
    done = subprocess.run(
        command, cwd=root, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "path", "text", "expected"),
    [
        ("format", "src/medloom/wire/verdict.py", "x = {  'a':1 }\n", "reformatted"),
        ("lint", "src/medloom/wire/verdict.py", "import json\n", "F401"),
        ("types", "src/medloom/wire/verdict.py", "def f(x):\n    return x\n", "no-untyped-def"),
        ("imports", "src/medloom/wire/verdict.py", "import medloom.kernel.fields\n", "BROKEN"),
        ("imports", "src/medloom/wire/verdict.py", "import django\n", "BROKEN"),
        ("imports", "src/medloom/kernel/fields.py", "import medloom.interfaces\n", "BROKEN"),
        ("imports", "src/medloom/agent/units.py", "import medloom.materials.queries\n", "BROKEN"),
        ("imports", "src/medloom/derive/openapi.py", "import medloom.materials.models\n", "BROKEN"),
        (
            "migrations",
            "src/medloom/kernel/models.py",
            "class Extra(models.Model):\n    pass\n",
            "Create model Extra",
        ),
    ],
)
def test_a_fault_is_found(copy: Path, name: str, path: str, text: str, expected: str) -> None:
    with (copy / path).open("a") as file:
        file.write(f"\n\n{text}")
    code, said = outcome(name, copy)
    assert code != 0
    assert expected in said


def test_a_changed_api_document_is_found(copy: Path) -> None:
    document = copy / "api" / "openapi.json"
    document.write_text(document.read_text("utf-8").replace('"title"', '"tittle"', 1))
    code, said = outcome("api", copy)
    assert code != 0
    assert "openapi.json" in said


def test_an_unknown_check_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.check", "colour"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no check named colour" in done.stderr


def test_a_pure_test_that_writes_files_is_refused(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.mark.{}\ndef test_x(tmp_path):\n    assert tmp_path.exists()\n"
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  pure: a\n  files: b\n")
    for mark, code in (("pure", 1), ("files", 0)):
        (tmp_path / "test_x.py").write_text(text.format(mark))
        argv = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "tools.sockets",
            "-p",
            "no:django",
            "-p",
            "no:cacheprovider",
        ]
        done = subprocess.run(
            [*argv, str(tmp_path / "test_x.py"), "-c", str(tmp_path / "pytest.ini")],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        assert ("marked `files`, not `pure`" in done.stdout) is (mark == "pure")
