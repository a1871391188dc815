"""The room as a Django application."""

from django.apps import AppConfig


class ProductionConfig(AppConfig):
    """Tables of production; no signals, no ready hook."""

    name = "medloom.production"
    label = "production"
    default_auto_field = "django.db.models.BigAutoField"
