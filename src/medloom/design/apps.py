"""The room as a Django application."""

from django.apps import AppConfig


class DesignConfig(AppConfig):
    """Tables of the design; no signals, no ready hook."""

    name = "medloom.design"
    label = "design"
    default_auto_field = "django.db.models.BigAutoField"
