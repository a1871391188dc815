"""What each row of a file would become, offline: for the person who writes a mapping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medloom.agent.declaration import Mapping
from medloom.agent.sources.tables import read_table
from medloom.agent.translate import Outcome, Translator


@dataclass
class Preview:
    """Counts over a whole file. A row is counted once, by what became of it."""

    file: str
    feed: str
    digest: str = ""
    read: int = 0
    understood: int = 0
    refused: int = 0
    objects: Counter[str] = field(default_factory=Counter)
    normalised: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    drift: list[dict[str, str]] = field(default_factory=list)

    def take(self, outcome: Outcome) -> None:
        """Count one outcome."""
        if not outcome.drafts:
            self.drift += [{"code": f.code, "column": f.path[1:]} for f in outcome.findings]
            return
        self.read += 1
        self.normalised.update(outcome.normalised)
        self.findings.update(finding.code for finding in outcome.findings)
        if outcome.refusal is not None:
            self.refused += 1
            self.reasons[f"{outcome.refusal.code} {outcome.refusal.path}"] += 1
            return
        self.understood += 1
        self.objects.update(draft.type for draft in outcome.drafts)

    def as_tree(self) -> dict[str, Any]:
        """For --json."""
        return {
            "file": self.file,
            "feed": self.feed,
            "sha256": self.digest,
            "read": self.read,
            "understood": self.understood,
            "refused": self.refused,
            "objects": dict(self.objects),
            "normalised": dict(self.normalised),
            "refusals": dict(self.reasons),
            "findings": dict(self.findings),
            "drift": self.drift,
        }


def preview(mapping: Mapping, path: Path) -> tuple[Preview, Iterator[Outcome]]:
    """The counts, filled while the rows are read, and the rows. Raises OSError when there is no file."""
    delivery = read_table(path.name, path.read_bytes())
    total = Preview(file=path.name, feed=mapping.feed, digest=delivery.digest)
    return total, _rows(mapping, delivery, total)


def _rows(mapping: Mapping, delivery: Any, total: Preview) -> Iterator[Outcome]:
    for outcome in Translator(mapping, serials=not delivery.name.lower().endswith(".csv")).file(delivery):
        total.take(outcome)
        if outcome.drafts:
            yield outcome


def to_mend(mapping: Mapping, types: dict[str, Any]) -> list[dict[str, str]]:
    """What of a mapping the hub would not understand: undeclared types and fields, key fields left out.

    `types`: type -> its declaration (`kernel.entity.catalogue`). The hub keeps a field it does not know with
    the operation, and shows it nowhere; that is seldom what the mapping's author meant.
    """
    found = []
    for number, record in enumerate(mapping.records):
        path, declared = f"$.records[{number}]", types.get(record.type)
        if declared is None:
            expected = "one of " + ", ".join(sorted(types))
            found.append({"path": f"{path}.type", "expected": expected, "got": record.type})
            continue
        known = {name: None for name in (*declared.fields, *declared.lines) if name != "state"}
        free = ", ".join(name for name in known if name not in record.fields)
        for name, rule in record.fields.items():
            if name not in known:
                expected = f"a field of {record.type} (free: {free}), or {rule.column or name} under ignored"
                found.append({"path": f"{path}.fields.{name}", "expected": expected, "got": name})
        for name in declared.facts.key:
            if name not in record.fields and name not in declared.defaults:
                expected = f"{name}: part of the key of every {record.type}"
                found.append({"path": f"{path}.fields", "expected": expected, "got": ""})
    return found


def row_tree(outcome: Outcome) -> dict[str, Any]:
    """One row, for --json and for the table."""
    tree: dict[str, Any] = {"at": outcome.at, "key": outcome.key}
    if outcome.refusal is not None:
        raw = outcome.drafts[0].raw
        told = ("code", "path", "expected", "got", "original")
        return {**tree, "refused": {name: raw[name] for name in told}}
    tree["becomes"] = [
        {
            "type": draft.type,
            "kind": str(draft.kind),
            "fields": dict(draft.fields),
            "was": {name: list(pair) for name, pair in draft.source.was.items()},
        }
        for draft in outcome.drafts
    ]
    if outcome.findings:
        tree["findings"] = [
            {"code": f.code, "path": f.path, "expected": f.expected, "got": f.got} for f in outcome.findings
        ]
    return tree
