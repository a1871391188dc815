"""Django's settings, from the environment and the state folder. Importing this writes nothing.

Environment: MEDLOOM_STATE, MEDLOOM_DATABASE_URL, MEDLOOM_DATABASE_ROLE (app, owner, sequencer),
MEDLOOM_HOSTS, MEDLOOM_ORIGINS, MEDLOOM_TLS, MEDLOOM_LIVE_URL, MEDLOOM_LIVE_PORT, MEDLOOM_LANGUAGE,
MEDLOOM_TIME_ZONE, MEDLOOM_API_REQUESTS_PER_MINUTE, MEDLOOM_WEBHOOK_NETWORKS,
MEDLOOM_WEBHOOK_BEHIND_MOST, MEDLOOM_NATS_SERVERS, MEDLOOM_DEMONSTRATION, MEDLOOM_DEBUG.
"""

import os
import secrets
from importlib.util import find_spec
from pathlib import Path

from medloom.process import state as state_folder

ROOT = Path(__file__).resolve().parent
STATE = state_folder.current()


def _names(variable: str, default: str = "") -> list[str]:
    return [name.strip() for name in os.environ.get(variable, default).split(",") if name.strip()]


DEBUG = os.environ.get("MEDLOOM_DEBUG") == "1"
TLS = os.environ.get("MEDLOOM_TLS") == "1"

# `medloom up` makes the key before it starts any process; without a state folder (checks, tests) a key of
# this process's own will do.
SECRET_KEY = STATE.secret("django") or secrets.token_urlsafe(48)

ALLOWED_HOSTS = _names("MEDLOOM_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _names("MEDLOOM_ORIGINS")

# In the order of the house: a room may import only what stands before it.
ROOMS = [
    "kernel",
    "parties",
    "design",
    "sourcing",
    "materials",
    "production",
    "inspection",
    "trace",
    "quality",
    "change",
    "postmarket",
    "governance",
    "interfaces.web",
]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "django_tables2",
    "django_filters",
    "django_htmx",
    "axes",
    "rules.apps.AutodiscoverRulesConfig",
    "procrastinate.contrib.django",
    "csp",
    *(f"medloom.{room}" for room in ROOMS if find_spec(f"medloom.{room}")),
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if find_spec("medloom.parties") and find_spec("medloom.parties.models"):
    AUTH_USER_MODEL = "parties.User"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "medloom.interfaces.web.scope.Scope",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "rules.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "medloom.interfaces.web.problems.locked_out"
AXES_RESET_ON_SUCCESS = True
CSRF_FAILURE_VIEW = "medloom.interfaces.web.problems.csrf_failed"
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

ROOT_URLCONF = "medloom.interfaces.urls"
WSGI_APPLICATION = "medloom.wsgi.application"
ASGI_APPLICATION = "medloom.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "interfaces" / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "medloom.interfaces.web.frame.frame",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {"default": state_folder.database(os.environ.get("MEDLOOM_DATABASE_ROLE", "app"))}

LANGUAGE_CODE = os.environ.get("MEDLOOM_LANGUAGE", "zh-hans")
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("MEDLOOM_TIME_ZONE", "Asia/Shanghai")

STATIC_URL = "/static/"
STATICFILES_DIRS = [folder for folder in [ROOT / "interfaces" / "web" / "static"] if folder.is_dir()]
WHITENOISE_USE_FINDERS = True  # straight from the source folders: no copying step that can be forgotten

DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # a push is at most 4 MiB; Django's 2.5 MB would refuse it
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

#: Requests that one token may make in a minute, of each web process.
API_REQUESTS_PER_MINUTE = int(os.environ.get("MEDLOOM_API_REQUESTS_PER_MINUTE", "1200"))

#: Networks of one's own that webhooks may call though they are not of the open internet (CIDR).
WEBHOOK_NETWORKS = _names("MEDLOOM_WEBHOOK_NETWORKS")
#: A receiver further behind than this many events is told to read what stands anew.
WEBHOOK_BEHIND_MOST = int(os.environ.get("MEDLOOM_WEBHOOK_BEHIND_MOST", "250000"))
#: NATS servers on which the stream is published too; empty means no bus.
NATS_SERVERS = _names("MEDLOOM_NATS_SERVERS")

#: Every page says that its data is generated.
DEMONSTRATION = os.environ.get("MEDLOOM_DEMONSTRATION") == "1"
LIVE_PORT = int(os.environ.get("MEDLOOM_LIVE_PORT", "8001"))
LIVE_URL = os.environ.get("MEDLOOM_LIVE_URL", "")  # empty: the page's own host with LIVE_PORT

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", LIVE_URL or f"*:{LIVE_PORT}"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = TLS
CSRF_COOKIE_SECURE = TLS
SECURE_HSTS_SECONDS = 31_536_000 if TLS else 0

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "medloom.process.lines.Lines",  # what a line quotes cannot make another line
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",  # plants in many time zones: always with the offset
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("MEDLOOM_LOG_LEVEL", "INFO")},
    # libraries that greet at every start or tell of every request
    "loggers": {name: {"level": "WARNING"} for name in ("axes", "httpx", "procrastinate.blueprints")},
}
