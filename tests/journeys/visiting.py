"""People who look at the pages without a browser."""

from __future__ import annotations

from django.test import Client

from medloom.parties.models import User


def visitor(name: str, language: str = "en") -> Client:
    """A client logged in as that person, speaking that language."""
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["django_language"] = language
    return client
