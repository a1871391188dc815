"""No file over 400 lines, no function over 70: what does not fit on a few screens is two things."""

import ast
import sys
from pathlib import Path

from tools.fault import ROOT, Fault, files, named, parsed, report

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
SUFFIXES = (".py", ".html", ".css", ".js", ".mjs", ".sql")


def faults(root: Path) -> list[Fault]:
    """Every file and function that is too long. Migrations are generated and excepted."""
    found = []
    for path in files(root, *SUFFIXES):
        if "migrations" in path.parts:
            continue
        name = named(path, root)
        lines = len(path.read_text("utf-8").splitlines())
        if lines > FILE_LINES_MAX:
            found.append(Fault(name, 1, f"{lines} lines; at most {FILE_LINES_MAX}: split it by subject"))
        if path.suffix == ".py":
            found += _functions(path, name)
    return found


def _functions(path: Path, name: str) -> list[Fault]:
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                text = f"{node.name} has {lines} lines; at most {FUNCTION_LINES_MAX}: split it"
                found.append(Fault(name, node.lineno, text))
    return found


if __name__ == "__main__":
    sys.exit(report("lengths", faults(ROOT)))
