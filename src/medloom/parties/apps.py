"""The room as a Django application."""

from django.apps import AppConfig


class PartiesConfig(AppConfig):
    """Tables of the parties; no signals, no ready hook."""

    name = "medloom.parties"
    label = "parties"
    default_auto_field = "django.db.models.BigAutoField"
