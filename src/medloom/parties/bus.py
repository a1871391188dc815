"""How far each feed has been published on the bus. Framework table: a cache's mark, no business fact."""

from __future__ import annotations

from django.db import models


class Published(models.Model):
    """The last position of one feed that the bus has acknowledged, and the hub epoch it was given in."""

    #: `SITE/feed`.
    feed = models.CharField(max_length=24, primary_key=True)
    position = models.BigIntegerField()
    hub = models.CharField(max_length=32)

    class Meta:
        db_table = "bus_position"


def published() -> dict[str, tuple[int, str]]:
    """Feed -> (position, hub epoch)."""
    return {row.feed: (row.position, row.hub) for row in Published.objects.all()}


def note_published(feed: str, position: int, hub: str) -> None:
    """Keep how far a feed has come."""
    Published.objects.update_or_create(feed=feed, defaults={"position": position, "hub": hub})
