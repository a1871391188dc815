"""The live-push process: server-sent events, apart from the pages so that open streams take no web thread."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
application = get_asgi_application()
