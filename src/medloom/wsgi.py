"""The web process: pages, REST and the agents' session."""

import gc
import os

from django.core.wsgi import get_wsgi_application

#: New objects after which the collector looks for cycles. A batch of 2,000 operations makes several hundred
#: thousand that live to its end; with Python's 700 a quarter of the door's CPU time went into finding none.
COLLECT_AFTER = 100_000

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
application = get_wsgi_application()
gc.collect()
gc.freeze()  # what was imported stays to the end and need not be looked at again
gc.set_threshold(COLLECT_AFTER, 10, 10)
