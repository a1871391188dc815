"""The room as a Django application."""

from django.apps import AppConfig


class MaterialsConfig(AppConfig):
    """Tables of the materials; no signals, no ready hook."""

    name = "medloom.materials"
    label = "materials"
    default_auto_field = "django.db.models.BigAutoField"
