"""Every state machine as a table and a diagram. What is not listed is illegal (21 CFR 11.10(f))."""

from __future__ import annotations

from collections.abc import Sequence

from medloom.kernel.entity import Declared


def lifecycles(types: Sequence[Declared]) -> str:
    """All lifecycles as text with mermaid diagrams."""
    text = "# Lifecycles\n\nA step that is not listed is refused with the steps that are legal.\n"
    return text + "".join(_section(one) for one in types if one.facts.lifecycle is not None)


def _section(one: Declared) -> str:
    lifecycle = one.facts.lifecycle
    assert lifecycle is not None
    text = f"\n## {one.type}\n\n```mermaid\nstateDiagram-v2\n    [*] --> {lifecycle.initial}\n"
    if lifecycle.observed:
        text += f"    [*] --> {lifecycle.observed}: told by a plant\n"
    for step in lifecycle.steps:
        for source in step.source:
            text += f"    {source} --> {step.target}: {step.name}\n"
    text += "```\n\n| Command | From | To | Given by |\n|---|---|---|---|\n"
    for step in lifecycle.steps:
        text += f"| `{step.name}` | {', '.join(step.source)} | {step.target} | {step.owner} |\n"
    return text
