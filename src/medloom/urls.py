"""Addresses: the agents' doors, and the pages."""

from django.urls import include, path

from medloom.interfaces import sync

urlpatterns = [path("sync/", include(sync.urls()))]
