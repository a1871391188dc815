"""The web process: pages, REST and the agents' session."""

import gc
import os
import sys
from collections.abc import Iterable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

from medloom.process.courtesy import courtesy

#: New objects after which the collector looks for cycles. A batch of 2,000 operations makes several hundred
#: thousand that live to its end; with Python's 700 a quarter of the door's CPU time went into finding none.
COLLECT_AFTER = 100_000

#: A page asks the database some twenty times, and after each answer waits for the interpreter's lock, which
#: Python takes from a busy thread only after 5 ms. It helps pages beside a backlog a little (decision 0020).
SWITCH_S = 0.000_5

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
sys.setswitchinterval(SWITCH_S)


class Programs(WSGIHandler):
    """The doors of agents and other programs without the pages' middleware: every request is signed or
    bears a token, none has a cookie, a form, a language or a page to protect. It took a tenth of the time
    of a push."""

    def load_middleware(self, is_async: bool = False) -> None:
        """None at all."""
        self._view_middleware, self._template_response_middleware, self._exception_middleware = [], [], []
        self._middleware_chain = convert_exception_to_response(self._get_response)


_pages = get_wsgi_application()
_programs = Programs()
#: Where programs knock; everything else is pages.
_DOORS = ("/sync/", "/api/v1/", "/epcis/")


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Pages and programs, by the path."""
    if environ.get("PATH_INFO", "").startswith(_DOORS):
        return _programs(environ, start_response)
    courtesy().begin()
    try:
        return _pages(environ, start_response)
    finally:
        courtesy().end()


gc.collect()
gc.freeze()  # what was imported stays to the end and need not be looked at again
gc.set_threshold(COLLECT_AFTER, 10, 10)
