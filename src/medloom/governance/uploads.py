"""Keeping a file that a person sent until all its rows are recorded: framework rows, no business facts."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from medloom.governance.models import Upload

#: Uploads of one site that are kept; older ones give way, their rows stay in the ledger.
KEPT_MOST = 50


def keep(
    *, site: str, actor: str, name: str, template: str, digest: str, data: bytes, rows: int, at: dt.datetime
) -> Upload:
    """Keep a file; what is older than the last fifty of its site goes."""
    made = Upload.objects.create(
        id=uuid.uuid4(), site=site, actor=actor, name=name[:200], template=template, digest=digest,
        data=data, rows=rows, at=at,
    )  # fmt: skip
    old = Upload.objects.filter(site=site).order_by("-at").values_list("id", flat=True)[KEPT_MOST:]
    Upload.objects.filter(id__in=list(old)).delete()
    return made


def note(upload: Upload, lines: Sequence[Any], *, done: int) -> None:
    """Note what became of the next rows."""
    upload.made = [*upload.made, *lines]
    upload.done = done
    upload.state = "done" if done >= upload.rows else "going"
    upload.save(update_fields=["made", "done", "state"])


def begin(upload: Upload, *, reason: str) -> None:
    """A person has said that its rows are to be recorded, and why."""
    upload.reason, upload.state = reason, "going"
    upload.save(update_fields=["reason", "state"])


def undone(upload: Upload, lines: Sequence[Any]) -> None:
    """What it changed has been set back; these lines say what became of each row."""
    upload.made, upload.state = list(lines), "undone"
    upload.save(update_fields=["made", "state"])
