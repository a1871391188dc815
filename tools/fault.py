"""What a check says: one fault at one place, and which files it looks at."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Folders made by tools, never written by us. A Python environment is known by its pyvenv.cfg.
MADE = {
    ".git",
    "__pycache__",
    "node_modules",
    "vendor",
    "artifacts",
    "build",
    "dist",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
}


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong, with its place and what to do."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def files(root: Path, *suffixes: str) -> Iterator[Path]:
    """Files below `root` with one of the suffixes (all when none is given), in order, without made ones."""
    for path in sorted(root.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            made = path.name in MADE or path.name.endswith(".egg-info") or (path / "pyvenv.cfg").exists()
            if not made:
                yield from files(path, *suffixes)
        elif not suffixes or path.suffix in suffixes:
            yield path


def named(path: Path, root: Path) -> str:
    """The path as it is written in reports and in lists of exceptions."""
    return path.relative_to(root).as_posix()


def parsed(path: Path) -> ast.Module:
    """The syntax tree; a file that does not parse is ruff's to report, here it raises SyntaxError."""
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def docstrings(tree: ast.AST) -> set[int]:
    """Identities of the nodes that are docstrings: words for people, not code."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found


def report(title: str, faults: list[Fault]) -> int:
    """Print the faults and answer the exit code."""
    for fault in sorted(faults):
        print(fault)
    if faults:
        print(f"{title}: {len(faults)} fault{'s' if len(faults) > 1 else ''}")
    return 1 if faults else 0
