"""The web process: pages, REST and the agents' session."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
application = get_wsgi_application()
