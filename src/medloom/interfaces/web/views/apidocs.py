"""The doors for programs, for people: read from the same description that programs read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from medloom.derive.codes import CHAPTERS
from medloom.interfaces.api.describing import document
from medloom.interfaces.web.views.lists import title_of
from medloom.kernel.entity import catalogue

#: Chapters of codes that a program of a party meets.
_CODES = ("Requests of programs", "Bytes and pushes", "Values", "Judgement")


@dataclass(frozen=True)
class Address:
    """One address with one method, as a person reads it."""

    method: str
    path: str
    summary: str
    parameters: list[dict[str, Any]]
    fields: list[dict[str, Any]]
    answers: list[tuple[str, str]]


@dataclass
class Chapter:
    """The addresses of one object type; of none for those that are for all."""

    type: str
    addresses: list[Address] = field(default_factory=list)


@lru_cache(maxsize=1)
def chapters() -> dict[str, Chapter]:
    """Every address under /api/, by the type it is about."""
    told = orjson.loads(document())
    found: dict[str, Chapter] = {}
    for path, methods in told["paths"].items():
        if not path.startswith("/api/"):
            continue
        for method, body in methods.items():
            type_ = next(iter(body.get("tags", ())), "")
            address = Address(
                method.upper(),
                path,
                body.get("summary", ""),
                [_parameter(told, each) for each in body.get("parameters", ())],
                _fields(told, body.get("requestBody")),
                [(status, _said(told, each)) for status, each in body["responses"].items()],
            )
            found.setdefault(type_, Chapter(type_)).addresses.append(address)
    return found


def _resolved(told: dict[str, Any], body: Any) -> dict[str, Any]:
    """What a reference stands for."""
    while isinstance(body, dict) and "$ref" in body:
        place: Any = told
        for part in body["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        body = place
    return body if isinstance(body, dict) else {}


def _said(told: dict[str, Any], body: Any) -> str:
    return str(_resolved(told, body).get("description", ""))


def _parameter(told: dict[str, Any], each: Any) -> dict[str, Any]:
    body = _resolved(told, each)
    return {**body, "form": form(_resolved(told, body.get("schema", {})))}


def _fields(told: dict[str, Any], body: Any) -> list[dict[str, Any]]:
    """The members of a JSON body; those of `fields` by their own name."""
    content = _resolved(told, body).get("content", {}).get("application/json", {})
    members = _resolved(told, content.get("schema", {})).get("properties", {})
    found = []
    for name, member in members.items():
        inner = _resolved(told, member)
        needed = inner.get("x-required-for-new", ())
        found.append(
            {"name": name, "form": form(inner), "text": inner.get("description", ""), "needed": False}
        )
        for part, value in inner.get("properties", {}).items() if name in ("fields", "source") else ():
            text = value.get("title") or value.get("description", "")
            here = {"name": f"{name}.{part}", "form": form(value), "text": text, "needed": part in needed}
            found.append({**here, "owner": value.get("x-owner", "")})
    return found


def form(body: dict[str, Any]) -> str:
    """The form of a value in a few words."""
    if "enum" in body:
        return " | ".join(str(word) for word in body["enum"] if word is not None)
    kind = body.get("type", "object")
    kind = next((k for k in kind if k != "null"), "") if isinstance(kind, list) else str(kind)
    if "x-unit" in body:
        return f'"number {body["x-unit"]}"'
    if "x-refers-to" in body:
        return f"key of {body['x-refers-to']}"
    extra = body.get("format") or (body["pattern"] if len(body.get("pattern", "")) in range(1, 60) else "")
    most = f" ≤ {body['maxLength']}" if "maxLength" in body and not extra else ""
    return f"{kind} {extra}{most}".strip()


def show_docs(request: HttpRequest) -> HttpResponse:
    """The introduction, the types, and one type's addresses."""
    known = chapters()
    chosen = request.GET.get("type", "")
    if chosen not in known:
        raise Http404
    types = sorted(((t, str(title_of(t))) for t in known if t in catalogue()), key=lambda pair: pair[1])
    codes = [(title, sorted(CHAPTERS[title].items())) for title in _CODES] if not chosen else []
    context = {
        "types": types,
        "chosen": chosen,
        "heading": title_of(chosen) if chosen in catalogue() else "",
        "addresses": known[chosen].addresses,
        "codes": codes,
        "base": f"{request.scheme}://{request.get_host()}",
    }
    return render(request, "medloom/api-docs.html", context)
