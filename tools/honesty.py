"""No stub, no skipped test, no check that cannot fail, and none of the shapes the house refuses.

A skipped test reads as a passed one; a note for later reads as done; a signal or a
metaclass makes the flow of control invisible. Each is refused wherever it stands, tests included.
"""

import ast
import re
import sys
from pathlib import Path

from tools.fault import ROOT, Fault, files, named, parsed, report

#: Put together from halves, so that this file does not refuse itself.
LATER = re.compile(
    "|".join(rf"\b{a}{b}\b" for a, b in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK")))
)
SKIPS = {"skip", "skipif", "xfail", "importorskip", "skipUnless", "skipIf", "expectedFailure"}
MARKS = {"pure", "files", "database", "browser", "process", "simulator"}
VAGUE_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "manager",
    "managers",
    "misc",
    "extras",
    "base",
}
SIGNALS = ("django.dispatch", "django.db.models.signals", "django.core.signals")


def _refused(node: ast.AST) -> str:
    if (
        isinstance(node, ast.Attribute)
        and node.attr in SKIPS
        and _owner(node) in ("pytest", "mark", "unittest")
    ):
        return f"{node.attr}: a test that is not run proves nothing"
    if isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant):
        return "an assertion of a constant cannot fail"
    if isinstance(node, ast.ClassDef) and any(k.arg == "metaclass" for k in node.keywords):
        return "metaclass: behaviour must be visible where it is used"
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(SIGNALS):
        return "signal: consequences are tables in hub.py"
    if isinstance(node, ast.Attribute) and node.attr in ("GenericForeignKey", "GenericRelation"):
        return "generic foreign key: name the type"
    return ""


def _idle_tests(tree: ast.Module) -> list[tuple[int, str]]:
    """Tests that cannot fail: no assertion in them, nor in a function of the same file that they call."""
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    sound = {name for name, node in functions.items() if _can_fail(node)}
    return [
        (node.lineno, f"{name} asserts nothing")
        for name, node in functions.items()
        if name.startswith("test_") and name not in sound and not _called(node) & sound
    ]


def _called(node: ast.AST) -> set[str]:
    calls = (part.func for part in ast.walk(node) if isinstance(part, ast.Call))
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}


def _unmarked(tree: ast.Module) -> bool:
    """Whether a file of tests says of none of them what they need."""
    tests = any(isinstance(n, ast.FunctionDef) and n.name.startswith("test_") for n in ast.walk(tree))
    return tests and not any(isinstance(n, ast.Attribute) and n.attr in MARKS for n in ast.walk(tree))


def _owner(node: ast.Attribute) -> str:
    value = node.value
    return value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""


def _can_fail(node: ast.AST) -> bool:
    """Whether a function holds an assert, a `raises`, or hands over to one that is named a check."""
    return any(isinstance(part, ast.Assert | ast.Raise) for part in ast.walk(node)) or any(
        name in ("raises", "warns", "fail")
        or name.startswith(("assert", "check", "expect", "page_ok", "until"))
        for name in _called(node)
    )


def faults(root: Path) -> list[Fault]:
    """Everything of that kind in our own files."""
    found = []
    for path in files(root, ".py", ".html", ".mjs", ".js", ".css", ".md", ".sh"):
        name = named(path, root)
        if path.suffix == ".py":
            if path.stem in VAGUE_NAMES:
                found.append(Fault(name, 1, f"{path.stem}: a file is named by the thing it holds"))
            tree = parsed(path)
            if _unmarked(tree):
                found.append(Fault(name, 1, f"mark the tests with one of {', '.join(sorted(MARKS))}"))
            found += [Fault(name, line, text) for line, text in _idle_tests(tree)]
            for node in ast.walk(tree):
                text = _refused(node)
                if text:
                    found.append(Fault(name, getattr(node, "lineno", 1), text))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if LATER.search(line):
                found.append(
                    Fault(name, number, "left for later: do it, or say in the docs that it is not built")
                )
    return found


if __name__ == "__main__":
    sys.exit(report("honesty", faults(ROOT)))
