"""Revisions of one document among each other: the newest one, and the one in force."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from medloom.kernel.entity import Declared


def _revisions(declared: Declared, row: Any) -> QuerySet[Any]:
    """Every revision of the document that `row` is one of."""
    names = [name for name in declared.facts.key if name != "revision"]
    same = {declared.fields[name].attname: getattr(row, declared.fields[name].attname) for name in names}
    return declared.model._default_manager.filter(site=row.site, voided=False, **same)


def latest_of(declared: Declared, row: Any) -> str:
    """The newest revision there is: the following one must not exist already."""
    newest = _revisions(declared, row).order_by("-num").values_list("revision", flat=True).first()
    return str(newest or row.revision)


def in_force_of(declared: Declared, row: Any) -> list[Any]:
    """The released revisions besides `row`: they are superseded when it is released."""
    return list(_revisions(declared, row).filter(state="released").exclude(num=row.num).order_by("num")[:20])
