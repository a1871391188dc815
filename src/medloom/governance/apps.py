"""Governance as a Django application."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """Data quality, alerts, corrections, uploads; no signals, no ready hook."""

    name = "medloom.governance"
    label = "governance"
    default_auto_field = "django.db.models.BigAutoField"
