"""What the sequencer's process does, done once by whoever has just written: drills and tests call it."""

from __future__ import annotations

import psycopg
from django.db import connection

from medloom.exchange.sequencer import Sequencer, start_epoch
from medloom.kernel.models import Hub
from medloom.process import state


def sequence() -> None:
    """Write what was recorded so far into the feeds and the log; the hub's first epoch begins with it."""
    name = {"dbname": connection.settings_dict["NAME"]}
    if not Hub.objects.exists():
        with psycopg.connect(**(state.connection("app") | name), autocommit=True) as app:
            start_epoch(app)
    with psycopg.connect(**(state.connection("sequencer") | name), autocommit=True) as link:
        sequencer = Sequencer(link)
        sequencer.load()
        while sequencer.round():
            pass
