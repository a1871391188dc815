"""Only `ledger.append` writes business tables. This reads our source and refuses every other way.

Looked at: src/medloom without the kernel (it *is* the door), the agent (it has no hub database), tests
and migrations. Refused: the ORM's writing calls, and INSERT, UPDATE, DELETE, MERGE, TRUNCATE or COPY ...
FROM in any string. Excepted: functions that hub.py hands to append as effects (they run inside append's
transaction), and the files below, which write tables of the schema `framework` only. The database's roles
are the second fence.
"""

import ast
import re
import sys
from pathlib import Path

from tools.fault import ROOT, Fault, docstrings, files, named, parsed, report

#: File -> why it may write. Logins, jobs and sessions are not business facts.
FRAMEWORK_WRITERS = {
    # A person's name must be erasable, so it is in no operation.
    "src/medloom/parties/people.py": "logins, roles, keys, names",
    "src/medloom/parties/keys.py": "keys and enrolment codes of agents, secrets' other halves",
    "src/medloom/parties/tokens.py": "tokens of programs: hashes, when they end, when they were used",
    "src/medloom/interfaces/epcis/capturing.py": "which documents were handed in: a framework row",
    "src/medloom/interfaces/epcis/naming.py": "questions kept under a name: a framework row",
    "src/medloom/parties/bus.py": "how far the bus has come: a framework row",
    "src/medloom/parties/webhooks.py": "subscriptions, attempts, keys: framework rows",
    "src/medloom/interfaces/webhooks/courier.py": "attempts that a later one has mended: framework rows",
    "src/medloom/drills/programs.py": "a drill takes a role away: logins",
    "src/medloom/parties/queries.py": "which requests of programs came before: no business fact",
    "src/medloom/parties/agents.py": "which of two agents goes on: the session, a framework row",
    "src/medloom/kernel/alarms.py": "that a person looked at an alarm: a framework row",
    "src/medloom/interfaces/web/exportjobs.py": "exports on their way: framework rows",
    "src/medloom/governance/uploads.py": "files sent by hand until they are recorded: framework rows",
    "src/medloom/governance/measuring.py": "tallies counted from the ledger: framework rows",
    "src/medloom/worker.py": "alarms and sessions past their time: framework rows",
    # The exchange writes what is no business fact either: positions, sessions, seals.
    "src/medloom/exchange/feedstore.py": "how far each site has read",
    "src/medloom/exchange/hubstore.py": "sessions of agents, alarms about them",
    "src/medloom/exchange/recovery.py": "what a restored hub hears again: sessions and the ledger's own rows",
    "src/medloom/exchange/counts.py": "the sequencer's figures of the pages: rows by last verdict, arrivals",
    "src/medloom/exchange/sequencer.py": "positions, leaves and seals of entries that stand",
    # Edges are a projection of receipts; the worker joins what two transactions at once left apart.
    "src/medloom/trace/arrivals.py": "edges between sites, derived from accepted receipts alone",
    "src/medloom/trace/events/arrivals.py": "edges of accepted events whose lots are known by now",
    "src/medloom/drills/away.py": "a drill's own subscription, in a database of its own",
    "src/medloom/simulator/on_postgres.py": "alarms that a restored backup brings along, in its own database",
    "src/medloom/process/drill.py": "the kill drill's own table, made and dropped by it",
}

#: Call names that write rows whoever they are called on; a dict or a path has none of them.
WRITES = {
    "bulk_create",
    "bulk_update",
    "abulk_create",
    "abulk_update",
    "update_or_create",
    "aupdate_or_create",
    "get_or_create",
    "aget_or_create",
    "acreate",
    "aupdate",
    "adelete",
    "asave",
    "save",
    "save_base",
    "_raw_delete",
}
#: Call names that also mean something harmless: refused on what looks like a manager or query set.
AMBIGUOUS = {"create", "update", "delete"}
QUERY = {
    "objects",
    "filter",
    "exclude",
    "all",
    "using",
    "order_by",
    "get_queryset",
    "_default_manager",
    "get",
}
SQL = re.compile(
    r"\binsert\s+into\b|\bupdate\s+(only\s+)?[\w.\"{}%]+\s+(as\s+\w+\s+|\w+\s+)?set\b|\bdelete\s+from\b"
    r"|\bmerge\s+into\b|\btruncate\s+(table\s+)?[\w.\"{}]+|\bcopy\s+[\w.\"{}]+\s*(\([^)]*\))?\s*from\b",
    re.IGNORECASE,
)


def looked_at(root: Path) -> list[Path]:
    """The files in which a business write would be a fault."""
    base = root / "src" / "medloom"
    return [
        path
        for path in files(base, ".py")
        if not {"tests", "migrations"} & set(path.relative_to(base).parts)
        and path.relative_to(base).parts[0] not in ("kernel", "agent")
        and named(path, root) not in FRAMEWORK_WRITERS
    ]


def effects(root: Path) -> set[tuple[str, str]]:
    """(room, function) for every function that hub.py hands to append as an effect."""
    hub = root / "src" / "medloom" / "hub.py"
    if not hub.exists():
        return set()
    tree, modules, found = parsed(hub), {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("medloom."):
            for alias in node.names:
                modules[alias.asname or alias.name] = (node.module, alias.name)
    for node in ast.walk(tree):
        for table in _tables_of_effects(node):
            for name in ast.walk(table):
                if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
                    package, _ = modules.get(name.value.id, ("", ""))
                    found.add((package, name.attr))
                elif isinstance(name, ast.Name) and name.id in modules:
                    package, function = modules[name.id]
                    found.add((package.rpartition(".")[0], function))
    return found


def _tables_of_effects(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.keyword) and node.arg == "effects":
        return [node.value]
    if isinstance(node, ast.Assign) and any(
        isinstance(t, ast.Name) and t.id.upper() == "EFFECTS" for t in node.targets
    ):
        return [node.value]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return [node.value] if node.target.id.upper() == "EFFECTS" else []
    return []


def _text(node: ast.AST) -> str:
    """The text of a string, an f-string with its holes as {}, or nothing."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "{}" for part in node.values)
    return ""


def _chain(node: ast.AST) -> set[str]:
    """The names in `a.b(...).c`: what a call is made on."""
    names = set()
    while True:
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            return names


def _write(node: ast.AST, words: set[int]) -> str:
    """What this node writes, in words; empty when it writes nothing."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = node.func.attr
        if name in WRITES:
            return f".{name}() writes a row"
        # `.get` alone is also a dict's: it counts only together with a manager.
        on = _chain(node.func.value) & QUERY
        if name in AMBIGUOUS and on and on != {"get"}:
            return f".{name}() on a query set writes rows"
    if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in words:
        found = SQL.search(_text(node))
        if found:
            return f"SQL {' '.join(found.group().split())!r} writes a table"
    return ""


def _inside(tree: ast.Module, allowed: set[str]) -> set[int]:
    """Identities of the nodes in the allowed functions, and in those of the same file that they call."""
    functions = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef)}
    todo, found = [name for name in functions if name in allowed], set()
    while todo:
        for node in ast.walk(functions[todo.pop()]):
            found.add(id(node))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called = functions.get(node.func.id)
                if called is not None and id(called) not in found:
                    found.add(id(called))
                    todo.append(called.name)
    return found


def faults(root: Path) -> list[Fault]:
    """Every write outside the door."""
    allowed = effects(root)
    found: set[Fault] = set()
    for path in looked_at(root):
        tree = parsed(path)
        words = docstrings(tree)
        package = ".".join(path.relative_to(root / "src").parts[:-1])
        inside = _inside(tree, {name for room, name in allowed if room == package})
        for node in ast.walk(tree):
            text = _write(node, words) if id(node) not in inside else ""
            if text:
                line = getattr(node, "lineno", 1)
                found.add(Fault(named(path, root), line, f"{text}; go through kernel.ledger.append"))
    return sorted(found)


if __name__ == "__main__":
    sys.exit(report("writedoor", faults(ROOT)))
