"""Addresses before the pages exist: none."""

urlpatterns: list[object] = []
