"""The room as a Django application."""

from django.apps import AppConfig


class SourcingConfig(AppConfig):
    """Tables of sourcing; no signals, no ready hook."""

    name = "medloom.sourcing"
    label = "sourcing"
    default_auto_field = "django.db.models.BigAutoField"
