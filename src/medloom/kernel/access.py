"""Whose rows a request may see: one site, or all of them for the registrant's people.

The setting is local to a transaction, so a pooled connection cannot carry it to the next request;
without it every table is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from medloom.kernel.cursor import open_cursor

#: The registrant's people see every site.
ALL = "*"
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,15}")


class NoSite(PermissionError):
    """The person or program belongs to no site."""

    code = "no_site"


@contextmanager
def seeing(site: str) -> Iterator[None]:
    """Run queries as `site` sees the world, in one transaction. Raises NoSite for what is no site code."""
    if site != ALL and not _CODE.fullmatch(site):
        raise NoSite(site)
    with transaction.atomic():
        with open_cursor() as cursor:
            cursor.execute("select set_config('medloom.site', %s, true)", (site,))
        yield
