"""The room as a Django application."""

from django.apps import AppConfig


class InspectionConfig(AppConfig):
    """Tables of inspection; no signals, no ready hook."""

    name = "medloom.inspection"
    label = "inspection"
    default_auto_field = "django.db.models.BigAutoField"
