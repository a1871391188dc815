"""No clock, no chance, no input or output where the result must follow from the arguments alone.

wire/ and every rules.py and reactions.py are pure; actions.py may read the database but takes time
and user as arguments. Otherwise neither a test nor a partner could repeat what was decided.
"""

import ast
import sys
from pathlib import Path

from tools.fault import ROOT, Fault, files, named, parsed, report

#: Calls by their last two names, or last one.
CLOCK = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "timezone.now",
    "timezone.localtime",
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.perf_counter",
    "time.sleep",
}
CHANCE = {"uuid.uuid1", "uuid.uuid4", "uuid.uuid7", "os.urandom"}
CHANCE_MODULES = {"random", "secrets"}
OUTSIDE = {
    "django",
    "psycopg",
    "sqlite3",
    "apsw",
    "socket",
    "subprocess",
    "httpx",
    "requests",
    "os",
    "pathlib",
}
PURE_FILES = ("rules.py", "reactions.py")
TIMELESS_FILES = (*PURE_FILES, "actions.py")


def _dotted(node: ast.AST) -> str:
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        names.append(node.id)
    return ".".join(reversed(names))


def _imports(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.lineno, node.module or ""))
    return found


def _fault_lines(tree: ast.AST, *, pure: bool) -> list[tuple[int, str]]:
    found = []
    for line, module in _imports(tree):
        top = module.partition(".")[0]
        if top in CHANCE_MODULES:
            found.append((line, f"imports {module}: random values are arguments here"))
        if pure and top in OUTSIDE:
            found.append((line, f"imports {module}: nothing outside the arguments may be read here"))
        if pure and module.startswith("medloom.") and module.rpartition(".")[2] in ("queries", "actions"):
            found.append((line, f"imports {module}: what is pure does not ask the database"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ".".join(_dotted(node.func).split(".")[-2:])
            if name in CLOCK | CHANCE:
                found.append((node.lineno, f"calls {name}(): time and chance are arguments here"))
            if pure and name == "open":
                found.append((node.lineno, "opens a file: nothing outside the arguments may be read here"))
        if pure and isinstance(node, ast.Attribute) and node.attr == "objects":
            found.append((node.lineno, "asks the database: what is read is handed in"))
    return found


def faults(root: Path) -> list[Fault]:
    """Every use of clock, chance or outside in pure code."""
    base = root / "src" / "medloom"
    found = []
    for path in files(base, ".py"):
        parts = path.relative_to(base).parts
        if "tests" in parts:
            continue
        pure = parts[0] == "wire" or path.name in PURE_FILES
        if pure or path.name in TIMELESS_FILES:
            name = named(path, root)
            found += [Fault(name, line, text) for line, text in _fault_lines(parsed(path), pure=pure)]
    return found


if __name__ == "__main__":
    sys.exit(report("pureness", faults(ROOT)))
