"""`python -m medloom.derive` writes api/; `--check` shows what differs and ends with 1 if anything does."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[3]


def differences(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Unified differences between what is on disk and what the models say; missing and idle files too."""
    found = []
    present = {str(p.relative_to(folder)): p for p in sorted(folder.rglob("*")) if p.is_file()}
    for name in sorted({*present, *wanted}):
        old = present[name].read_text(encoding="utf-8") if name in present else ""
        new = wanted.get(name, "")
        if old != new:
            lines = difflib.unified_diff(
                old.splitlines(), new.splitlines(), f"api/{name}", f"api/{name} (models)", lineterm="", n=1
            )
            found.append("\n".join(lines))
    return found


def write(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Bring the folder to what the models say; returns the names that changed."""
    changed = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and str(path.relative_to(folder)) not in wanted:
            path.unlink()
            changed.append(str(path.relative_to(folder)))
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def main(arguments: list[str] | None = None) -> int:
    """Write or check the documents; the exit code of the command."""
    parser = argparse.ArgumentParser(prog="python -m medloom.derive", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--write", action="store_true", help="write the documents (what happens without options)"
    )
    choice.add_argument("--check", action="store_true", help="show differences, write nothing")
    parser.add_argument("--folder", type=Path, default=ROOT / "api", help="where they stand")
    options = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
    os.environ.setdefault("MEDLOOM_LOG_LEVEL", "WARNING")
    django.setup()
    from medloom.derive.documents import documents

    wanted = documents()
    if options.check:
        found = differences(options.folder, wanted)
        if found:
            sys.stdout.write("\n".join(found) + "\n\napi/ is not what the models say: run `make api`\n")
        return 1 if found else 0
    for name in write(options.folder, wanted):
        sys.stdout.write(f"{options.folder.name}/{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
