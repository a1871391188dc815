"""Which roles of people write which objects. Ownership by party is judged besides, in wire/judge.py."""

from __future__ import annotations

from collections.abc import Mapping

#: The roles, the one that may least first.
ROLES = ("viewer", "auditor", "planner", "quality", "it", "admin")

#: What a role sees of objects that it does not write.
READS: Mapping[str, str] = dict.fromkeys(ROLES, "reads")

#: Type -> roles that may write it at a page; who is not named reads.
WRITERS: Mapping[str, tuple[str, ...]] = {
    "actor": ("admin",),
    "alert": ("quality", "it"),
    "alias": ("quality",),
    "bom": ("quality", "planner"),
    "bom_row": ("quality", "planner"),
    "connection": ("it",),
    "disagreement": ("quality",),
    "document": ("quality", "planner"),
    "correction": ("quality",),
    "consignee": ("planner",),
    "device": ("quality",),
    "equipment": ("quality", "planner"),
    "gauge": ("quality",),
    "hold": ("quality",),
    "item": ("quality", "planner"),
    "lot": ("quality",),
    "parameter": ("quality",),
    "party": ("planner", "quality"),
    "plant_code": ("quality", "planner"),
    "purchase_line": ("planner",),
    "purchase_order": ("planner",),
    "scope": ("quality",),
    "site": ("it", "admin"),
    "specification": ("quality",),
    "supply": ("planner",),
    "vendor": ("planner", "quality"),
    "work_order": ("planner",),
}

#: Type -> commands that only a person gives, at a page: they are signatures. No program gives them.
SIGNED: Mapping[str, tuple[str, ...]] = {"hold": ("clear",), "lot": ("release_market",)}
