"""The pages as a Django application."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Templates, styles and addresses; no tables of its own."""

    name = "medloom.interfaces.web"
    label = "web"
