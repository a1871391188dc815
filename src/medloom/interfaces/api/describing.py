"""The description of the doors as a program reads it: the OpenAPI document and the GraphQL schema."""

from __future__ import annotations

from functools import lru_cache

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_safe

from medloom.derive.openapi import openapi
from medloom.kernel.entity import catalogue


@lru_cache(maxsize=1)
def document() -> bytes:
    """The OpenAPI document; made once, since nothing of it depends on data."""
    with translation.override("en"):
        return orjson.dumps(openapi(list(catalogue().values())))


@require_safe
def show_openapi(request: HttpRequest) -> HttpResponse:
    """The document. It names no data, so it needs no token."""
    return HttpResponse(document(), content_type="application/json", headers={"Cache-Control": "max-age=300"})


@require_safe
def show_schema(request: HttpRequest) -> HttpResponse:
    """The GraphQL schema, which stands in for introspection."""
    text = graphql_text()
    return HttpResponse(
        text, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "max-age=300"}
    )


@lru_cache(maxsize=1)
def graphql_text() -> str:
    """The GraphQL schema in its own language; made once."""
    from medloom.derive.graphql import graphql_document  # heavy, and rarely asked for

    with translation.override("en"):
        return graphql_document(list(catalogue().values()))
