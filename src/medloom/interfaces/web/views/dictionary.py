"""The data dictionary: every field with its meaning, unit, domain, owner, states, and where it comes from."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from medloom.derive.templates import LANGUAGES
from medloom.governance.queries import normalised
from medloom.interfaces.web.columns import columns_of, domain_words, label_of
from medloom.interfaces.web.export import spreadsheet
from medloom.interfaces.web.telling import rule_words, told
from medloom.interfaces.web.viewer import Viewer, viewer_of
from medloom.interfaces.web.views.lists import title_of
from medloom.interfaces.web.words import OWNERS
from medloom.kernel.entity import Declared, catalogue

#: Fields that a search lists at most.
FOUND_MOST = 200


@cache
def _names() -> dict[tuple[str, str], dict[str, tuple[str, ...]]]:
    """Type and field -> language -> its name and the names of its words: plants speak both languages."""
    found: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for language in LANGUAGES:
        with translation.override(language):
            for declared in catalogue().values():
                for name, field in declared.fields.items():
                    words = (str(label_of(field)), *(str(label) for _w, label in field.choices or ()))
                    found.setdefault((declared.type, name), {})[language] = words
    return found


def fields_of(declared: Declared) -> list[dict[str, Any]]:
    """The fields of one type, in the reader's language, each with its name in the other language."""
    mine = translation.get_language()
    return [
        {
            "type": declared.type,
            "title": str(title_of(declared.type)),
            "name": name,
            "label": label_of(field),
            "also": [n[0] for lang, n in _names()[declared.type, name].items() if lang != mine],
            "owner": str(declared.sheet.owner_of(name)),
            "domain": domain_words(field),
            "unit": getattr(field, "unit", ""),
            "required": name in declared.required,
            "words": [(w, label) for w, label in field.choices or ()],
        }
        for name, field in declared.fields.items()
    ]


def _search(text: str) -> list[dict[str, Any]]:
    wanted = text.casefold()
    found = []
    for declared in catalogue().values():
        for field in fields_of(declared):
            names = _names()[field["type"], field["name"]].values()
            words = [field["name"], field["unit"], *(word for each in names for word in each)]
            if any(wanted in word.casefold() for word in words):
                found.append(field)
    return found[:FOUND_MOST]


def _sources(viewer: Viewer, type_: str) -> list[dict[str, Any]]:
    """Which feeds fill the type at each plant, and what had to be normalised on the way."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for site in viewer.sites if viewer.registrant else [viewer.site]:
        for row in normalised(site=site):
            if row["type"] == type_:
                one = found.setdefault(
                    (site, row["feed"]),
                    {"plant": viewer.sites.get(site, site), "feed": row["feed"], "rules": []},
                )
                if row["rule"]:
                    one["rules"].append((rule_words(row["rule"]), row["many"]))
    return list(found.values())


def _export(request: HttpRequest) -> HttpResponse:
    rows = [
        [
            field["title"], field["type"], field["name"], str(field["label"]),
            str(OWNERS[field["owner"]].label) if field["owner"] in OWNERS else field["owner"],
            field["unit"], str(field["domain"]), _("yes") if field["required"] else "",
            ", ".join(f"{word} {label}" for word, label in field["words"]),
        ]
        for declared in catalogue().values()
        for field in fields_of(declared)
    ]  # fmt: skip
    head = [
        *(_("Objects"), _("Type"), _("Field"), _("Name"), _("Owner")),
        *(_("Unit"), _("May hold"), _("Needed"), _("Words")),
    ]
    return spreadsheet(
        request, name="dictionary", title=_("Data dictionary"), head=head, rows=rows, count=len(rows)
    )


def show_dictionary(request: HttpRequest) -> HttpResponse:
    """What every object and field means, who owns it, its domain: read from the declarations themselves."""
    if request.GET.get("export") == "xlsx":
        return _export(request)
    viewer = viewer_of(request)
    wanted, text = request.GET.get("type", "work_order"), request.GET.get("q", "").strip()[:64]
    types = sorted(((t, str(title_of(t))) for t in catalogue()), key=lambda pair: pair[1])
    declared = catalogue().get(wanted) or next(iter(catalogue().values()))
    context = {
        "types": types,
        "declared": declared,
        "title": capfirst(declared.model._meta.verbose_name),
        "fields": fields_of(declared),
        "text": text,
        "found": _search(text) if text else [],
        "sources": _sources(viewer, declared.type),
        "several": len(viewer.sites) > 1,
        "key": "/".join(declared.facts.key),
        "steward": told(declared.facts.steward),
        "retention": told(declared.facts.retention),
        "region": told(declared.facts.region),
        "state": columns_of(declared).get("state"),
        "states": declared.facts.lifecycle.steps if declared.facts.lifecycle else (),
        "lines": [
            (name, lines.model._meta.verbose_name, [label_of(f) for f in lines.fields.values()])
            for name, lines in declared.lines.items()
        ],
    }
    return render(request, "medloom/dictionary.html", context)
