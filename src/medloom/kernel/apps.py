"""The kernel as a Django application."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    """Ledger tables; no signals, no ready hook."""

    name = "medloom.kernel"
    label = "kernel"
    default_auto_field = "django.db.models.BigAutoField"
