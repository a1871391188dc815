"""The addresses under /api/v1/."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path

from medloom.derive.rest import ROOT
from medloom.interfaces.api import history, stream, writing
from medloom.interfaces.api.caller import Caller
from medloom.interfaces.api.door import door, nothing
from medloom.interfaces.api.reading import show_list, show_one
from medloom.interfaces.api.request import json_answer, must_accept_json, one_of


def show_self(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Who the token speaks for, until when, and what it may."""
    must_accept_json(request)
    one_of(request, ())
    token = caller.token
    types = {
        each.type: {"href": f"{ROOT}/{each.type}", "writes": caller.may_write(each)}
        for each in caller.types()
    }
    body = {
        "site": caller.site,
        "actor": caller.actor,
        "program": token.name,
        "expires": token.expires.isoformat(),
        "types": types,
    }
    return json_answer(body)


def answer_graphql(request: HttpRequest, caller: Caller) -> HttpResponse:
    """One query; the schema is made with the first, so that a process nobody asks does not carry it."""
    from medloom.interfaces.api import graphql

    return graphql.answer_graphql(request, caller)


def urls() -> list[Any]:
    """The addresses, the last of which answers for all that are none."""
    return [
        path("graphql", door(POST=answer_graphql)),
        path("me", door(GET=show_self)),
        path("stream", door(GET=stream.show_stream)),
        path("operations", door(POST=writing.batch)),
        path("operations/<str:name>", door(GET=history.show_operation)),
        path("<slug:type_>", door(GET=show_list, POST=writing.make)),
        path("<slug:type_>/<uuid:object_>/history", door(GET=history.show_history)),
        path("<slug:type_>/<uuid:object_>/commands/<slug:name>", door(POST=writing.command)),
        path("<slug:type_>/<path:name>", door(GET=show_one, PATCH=writing.change)),
        re_path("", door(GET=nothing, POST=nothing, PUT=nothing, PATCH=nothing, DELETE=nothing)),
    ]
