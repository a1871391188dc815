"""Every stable code: found in the source, explained in `codes`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from medloom.derive.codes import CHAPTERS

PACKAGE = Path(__file__).resolve().parents[1]
#: Callables that take a code: name -> place of the code among the arguments.
TAKERS = {
    "Refusal": 0,
    "Finding": 0,
    "rejected": 0,
    "quarantine": 0,
    "Refused": 0,
    "ScopeRefused": 0,
    "refused": 0,
    "Malformed": 0,
    "PushBroken": 0,
    "BadSignature": 0,
    "_refuse": 1,
    "note": 0,
    "Problem": 1,
    "FileRefused": 0,
    "Unclear": 0,
    "UdiRefused": 0,
}
_HEAD = """# Refusals and findings

A refusal says why an operation was not accepted; a finding says what is wrong with something that is
kept all the same, because it has happened. Both name the field's path, what was expected and what
came. Codes are stable: a meaning never changes, a new meaning gets a new code.
"""
_COLUMNS = "| Code | It means | The plant | The steward |\n|---|---|---|---|\n"
#: Folders whose codes are of another kind (the doctor's checks, pages, this room's own words).
_ELSEWHERE = ("process", "simulator", "demo", "interfaces/web", "derive")


def raised() -> dict[str, set[str]]:
    """Code -> the modules that give it. Codes made at run time (`unknown_lot`) are listed as a family."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if "/tests/" in name or "/migrations/" in name or name.startswith(_ELSEWHERE):
            continue
        for code in _codes(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(code, set()).add(name)
    return found


def _codes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = (
                node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            )
            if function in TAKERS or any(keyword.arg == "code" for keyword in node.keywords):
                yield from _words(_argument(node, TAKERS.get(function, 0)))
        elif isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "code":
                    yield from _words(line.value)


def _argument(call: ast.Call, place: int) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == "code":
            return keyword.value
    return call.args[place] if len(call.args) > place else None


def _words(value: ast.expr | None) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _words(value.body)
        yield from _words(value.orelse)
    elif isinstance(value, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "<type>" for part in value.values]
        yield "".join(str(part) for part in parts)


def errors() -> str:
    """The list as text; a test sees to it that every code of the source is in it."""
    text = _HEAD
    for title, chapter in CHAPTERS.items():
        text += f"\n## {title}\n\n{_COLUMNS}"
        for code, meant in sorted(chapter.items()):
            text += f"| `{code}` | {meant.means} | {meant.plant} | {meant.steward} |\n"
    return text
