"""Trace as a Django application."""

from django.apps import AppConfig


class TraceConfig(AppConfig):
    """Genealogy edges and unit ranges; no signals, no ready hook."""

    name = "medloom.trace"
    label = "trace"
    default_auto_field = "django.db.models.BigAutoField"
