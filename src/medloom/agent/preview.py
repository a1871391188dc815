"""What each row of a file would become, offline: for the person who writes a mapping."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from medloom.agent.declaration import Mapping
from medloom.agent.sources.tables import read_table
from medloom.agent.translate import Outcome, Translator
from medloom.wire.operation import Kind


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


def preview(
    mapping: Mapping, path: Path, types: dict[str, Any] | None = None
) -> tuple[Preview, Iterator[Outcome]]:
    """The counts, filled while the rows are read, and the rows. Raises OSError when there is no file.

    With `types` (type -> its declaration) a row that the hub will refuse at its door is refused here too.
    """
    delivery = read_table(path.name, path.read_bytes())
    total = Preview(file=path.name, feed=mapping.feed, digest=delivery.digest)
    return total, _rows(mapping, delivery, total, types)


def _rows(mapping: Mapping, delivery: Any, total: Preview, types: dict[str, Any] | None) -> Iterator[Outcome]:
    for made in Translator(mapping, serials=not delivery.name.lower().endswith(".csv")).file(delivery):
        outcome = made if types is None or made.refusal is not None else _at_the_door(made, types)
        total.take(outcome)
        if outcome.drafts:
            yield outcome


def _at_the_door(outcome: Outcome, types: dict[str, Any]) -> Outcome:
    """The outcome, refused when the hub would refuse one of its drafts: they share one outcome there."""
    from medloom.agent.admission import refusal_of  # needs the declarations, so Django has been started

    refusals = (refusal_of(draft, types) for draft in outcome.drafts)
    return replace(outcome, refusal=next((each for each in refusals if each is not None), None))


def to_mend(mapping: Mapping, types: dict[str, Any]) -> list[dict[str, str]]:
    """What of a mapping the hub would not take: undeclared types and fields, required ones left out, words
    outside their field's domain.

    `types`: type -> its declaration (`kernel.entity.catalogue`). The hub keeps a field it does not know with
    the operation, and shows it nowhere; that is seldom what the mapping's author meant.
    """
    from medloom.agent.admission import record_to_mend

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
        found += record_to_mend(record, declared, path)
    return found


def row_tree(outcome: Outcome) -> dict[str, Any]:
    """One row, for --json and for the table."""
    tree: dict[str, Any] = {"at": outcome.at, "key": outcome.key}
    if outcome.refusal is not None:
        return {**tree, "refused": _refused_tree(outcome)}
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


def _refused_tree(outcome: Outcome) -> dict[str, str]:
    """A refused row: by the agent, with its cells; as the hub will refuse it, with what it would become."""
    first, refusal = outcome.drafts[0], outcome.refusal
    if first.kind is Kind.RAW or refusal is None:
        return {name: first.raw[name] for name in ("code", "path", "expected", "got", "original")}
    made = {draft.type: dict(draft.fields) for draft in outcome.drafts}
    why = {"code": refusal.code, "path": refusal.path, "expected": refusal.expected, "got": refusal.got}
    return {**why, "original": json.dumps(made, ensure_ascii=False)}
