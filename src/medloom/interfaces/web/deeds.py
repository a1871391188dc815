"""What can be done with an object now, and why something cannot: buttons with their reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from medloom.design.models import REVISION
from medloom.interfaces.web.viewer import Viewer
from medloom.interfaces.web.words import OWNERS, command_word, state_word
from medloom.kernel.entity import Declared
from medloom.parties.roles import WRITERS
from medloom.wire.judge import may_write
from medloom.wire.operation import Kind
from medloom.wire.sheet import Owner, Step

_ICONS = {
    "release": "send",
    "dispatch": "send",
    "acknowledge": "check",
    "dismiss": "x",
    "undo": "arrow-back-up",
    "start": "circle-check",
    "pause": "hand-stop",
    "release_production": "shield-check",
    "release_market": "truck-delivery",
    "resume": "refresh",
    "complete": "check",
    "close": "lock",
    "clear": "lock-open",
    "reject": "ban",
    "accept": "circle-check",
    "supersede": "versions",
    "retire": "x",
    "freeze": "lock",
}


@dataclass(frozen=True)
class Deed:
    """One button: where it leads, or why it is barred."""

    name: str
    label: object
    icon: str
    address: str = ""
    barred: str = ""
    first: bool = False
    #: Not a step from the present state: shown in the menu of what is not possible now.
    far: bool = False


def writes(viewer: Viewer, type_: str) -> bool:
    """Whether one of the person's roles may write objects of that type."""
    return viewer.may(*WRITERS.get(type_, ()))


#: What a person makes by a form; all else comes from plants, or has a page of its own.
MADE = frozenset(
    {
        "work_order",
        "parameter",
        "specification",
        "document",
        "item",
        "equipment",
        "gauge",
        "bom",
        "party",
        "site",
        "connection",
    }
)


def creates(viewer: Viewer, declared: Declared) -> bool:
    """Whether the person may make new objects of that type by a form; a hold has a page of its own."""
    mine = declared.sheet.owner is not Owner.REGISTRANT or viewer.registrant
    return declared.type in MADE and mine and writes(viewer, declared.type)


def may_edit(viewer: Viewer, declared: Declared, site: str, name: str) -> bool:
    """Whether the person may write that field of an object of that site."""
    owner = declared.sheet.owner_of(name)
    return writes(viewer, declared.type) and may_write(owner, viewer.site, site)


def _role_reason(viewer: Viewer, type_: str) -> str:
    return "" if writes(viewer, type_) else str(_("Your role reads these, it does not change them."))


def _owner_reason(owner: Owner) -> str:
    return str(_("Only %(owner)s may do this.") % {"owner": OWNERS[str(owner)].label})


def _step_deed(viewer: Viewer, declared: Declared, row: Any, step: Step) -> Deed | None:
    if row.state not in step.source:
        states = _(" or ").join(str(state_word(s).label) for s in step.source)
        barred = str(_("Possible when: %(states)s") % {"states": states})
    elif not may_write(step.owner, viewer.site, row.site):
        barred = _owner_reason(step.owner)
    else:
        barred = _role_reason(viewer, declared.type)
    if declared.type == "hold" and step.name == "clear":
        address = reverse("web:hold-clear", args=[row.object])
    elif declared.type == "disagreement" and step.name == "settle":
        address = reverse("web:disagreement", args=[row.object])
    elif declared.type == "scope":  # freezing needs the lines that are frozen: they are looked at first
        address = f"{reverse('web:scope')}?{urlencode({'q': row.expression})}"
    else:
        address = reverse("web:command", args=[declared.type, row.object, step.name])
    return Deed(
        step.name,
        command_word(step.name),
        _ICONS.get(step.name, "chevron-right"),
        "" if barred else address,
        barred,
        first=not barred,
        far=row.state not in step.source,
    )


def deeds_of(viewer: Viewer, declared: Declared, row: Any) -> list[Deed]:
    """The buttons of one object's page: possible ones first, the next step of its life in front."""
    found = []
    if declared.facts.lifecycle is not None:
        found = [d for s in declared.facts.lifecycle.steps if (d := _step_deed(viewer, declared, row, s))]
    if Kind.SET in declared.facts.kinds and not declared.facts.safety and declared.type != "disagreement":
        editable = [n for n in declared.fields if may_edit(viewer, declared, row.site, n)]
        barred = _role_reason(viewer, declared.type) or (
            "" if editable else _owner_reason(declared.sheet.owner)
        )
        if declared.facts.lifecycle is REVISION and row.state != "draft":
            barred = str(_("A released revision is not changed: make the next one."))
        if declared.type == "scope" and row.state == "frozen":
            barred = str(_("A frozen scope is not changed"))
            lines = reverse("web:scope-frozen", args=[row.object])
            found.insert(0, Deed("lines", _("Show its lines"), "table", lines, first=True))
        address = "" if barred else reverse("web:edit", args=[declared.type, row.object])
        found.append(Deed("edit", _("Edit"), "edit", address, barred))
    if declared.facts.lifecycle is REVISION:
        barred = "" if creates(viewer, declared) else _role_reason(viewer, declared.type)
        barred = barred or ("" if creates(viewer, declared) else _owner_reason(declared.sheet.owner))
        address = "" if barred else reverse("web:revise", args=[declared.type, row.object])
        found.append(Deed("revise", _("Make the next revision"), "versions", address, barred))
    if declared.type == "device":
        address = reverse("web:label", args=[row.object])
        barred = "" if row.agency == "GS1" else str(_("Only GS1 identifiers have a DataMatrix label here."))
        found.append(Deed("label", _("Label"), "barcode", "" if barred else address, barred))
    if declared.type in ("lot", "equipment"):
        barred = _role_reason(viewer, "hold")
        address = "" if barred else f"{reverse('web:hold-raise')}?{declared.type}={row.object}"
        found.append(Deed("hold", _("Put a hold on it"), "hand-stop", address, barred))
    possible = [d for d in found if not d.barred]
    first = next((d.name for d in possible if d.first and d.name not in ("reject", "retire")), "")
    ordered = possible + [d for d in found if d.barred]
    return [replace(d, first=d.name == first) for d in ordered]
