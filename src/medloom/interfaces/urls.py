"""Every address of the hub: the pages, the live stream, and what programs talk to."""

from typing import Any

from django.urls import include, path

from medloom.interfaces import sync
from medloom.interfaces.api import urls as api
from medloom.interfaces.api.describing import show_openapi, show_schema
from medloom.interfaces.epcis import urls as epcis
from medloom.interfaces.live import hints, live

urlpatterns: list[Any] = [
    path("sync/hints", hints),
    path("sync/", include(sync.urls())),
    path("api/openapi.json", show_openapi, name="openapi"),
    path("api/schema.graphql", show_schema, name="graphql-schema"),
    path("api/v1/", include(api.urls())),
    path("epcis/", include(epcis.urls())),
    path("live", live, name="live"),
    path("", include("medloom.interfaces.web.urls")),
]
handler400 = "medloom.interfaces.web.problems.bad_request"
handler403 = "medloom.interfaces.web.problems.forbidden"
handler404 = "medloom.interfaces.web.problems.not_found"
handler500 = "medloom.interfaces.web.problems.broken"
