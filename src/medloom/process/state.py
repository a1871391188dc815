"""The state folder: everything this installation keeps outside the database's own tables.

    data/            the PostgreSQL cluster, owned by the database account, 0700
    run/             its Unix socket, same owner, 0700
    secrets/         one file for each secret, 0600
    log/             one file for each process
    supervisor.lock  held by the one supervisor; postgres.lock by every postgres process of this folder

Reading this module or asking it for a connection writes nothing; `prepare` creates the folder.
"""

import os
import pwd
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SEARCH_PATH = "business,ledger,framework,public"
DATABASE = "medloom"
PORT = 5432  # only names the socket file: the embedded server listens on no network address
SOCKET_BYTES_MAX = 107  # sockaddr_un.sun_path without its final NUL
IDLE_IN_TRANSACTION_MS = 60_000  # an open transaction holds the sequencer's horizon back for everyone
LOGIN_ROLES = {"owner": "medloom", "app": "medloom_app", "sequencer": "medloom_sequencer"}


class StateError(Exception):
    """The state folder cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class State:
    """One state folder, by its path. Two values with the same path are the same installation."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def socket(self) -> Path:
        return self.run / f".s.PGSQL.{PORT}"

    def secret(self, name: str) -> str | None:
        """The kept secret of this name, or None while there is none or we may not read it."""
        try:
            return (self.secrets / name).read_text(encoding="ascii")
        except (FileNotFoundError, PermissionError, NotADirectoryError):
            return None

    def ensure_secret(self, name: str) -> tuple[str, bool]:
        """The secret of this name, made now if there was none; second: whether it was made now."""
        kept = self.secret(name)
        if kept:
            return kept, False
        value = secrets.token_urlsafe(32)
        fresh = self.secrets / f".{name}.new"
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(value)
            file.flush()
            os.fsync(handle)
        fresh.rename(self.secrets / name)  # half a secret never counts
        return value, True

    def prepare(self) -> None:
        """Create the folder and what every process needs of it; cheap when it is all there.

        Raises StateError when the folder cannot be made, or its path is too long for a socket.
        """
        if len(os.fsencode(self.socket)) > SOCKET_BYTES_MAX:
            raise StateError(
                f"the path of the state folder {self.path} is too long for a Unix socket "
                f"({len(os.fsencode(self.socket))} bytes, {SOCKET_BYTES_MAX} at most): "
                "set MEDLOOM_STATE to a shorter path"
            )
        try:
            self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
            self.secrets.mkdir(mode=0o700, exist_ok=True)
            self.log.mkdir(mode=0o750, exist_ok=True)
        except OSError as error:
            raise StateError(
                f"the state folder {self.path} cannot be made ({error.strerror}): "
                "set MEDLOOM_STATE to a folder you may write"
            ) from error
        self.ensure_secret("django")


def default_path() -> Path:
    """Where the state lives: MEDLOOM_STATE, else /var/lib/medloom for root, else ~/.local/state/medloom."""
    if given := os.environ.get("MEDLOOM_STATE"):
        return Path(given).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/medloom")
    base = os.environ.get("XDG_STATE_HOME") or Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".local/state"
    return Path(base) / "medloom"


def current() -> State:
    """The state folder that this process's environment names."""
    return State(default_path())


def external_url(role: str = "app") -> str | None:
    """URL of an external server, or None for the embedded one.

    MEDLOOM_DATABASE_URL_APP, _OWNER and _SEQUENCER name the roles' own logins. MEDLOOM_DATABASE_URL alone
    is a login that may create roles; the roles' passwords are then the ones kept in the state folder.
    """
    return os.environ.get(f"MEDLOOM_DATABASE_URL_{role.upper()}") or os.environ.get("MEDLOOM_DATABASE_URL")


def database_name() -> str:
    """Name of the database: of the external URL, else MEDLOOM_DATABASE_NAME, else medloom."""
    url = os.environ.get("MEDLOOM_DATABASE_URL")
    return (read_url(url).get("dbname") if url else None) or os.environ.get("MEDLOOM_DATABASE_NAME", DATABASE)


def connection(role: str = "app", state: State | None = None) -> dict[str, str]:
    """libpq keywords to connect as one role: `psycopg.connect(**connection("sequencer"))`.

    role: app (web, worker), owner (migrations) or sequencer. Nothing is checked here: a wrong password
    or a stopped server is found by connecting.
    """
    state = state or current()
    user = LOGIN_ROLES[role]
    found = {
        "host": str(state.run),
        "port": str(PORT),
        "dbname": database_name(),
        "user": user,
        "password": state.secret(user) or "",
    }
    if url := external_url(role):
        found |= read_url(url)
        if not os.environ.get(f"MEDLOOM_DATABASE_URL_{role.upper()}"):
            found |= {"user": user, "password": state.secret(user) or ""}
    found["application_name"] = os.environ.get("MEDLOOM_PROCESS", "medloom")
    found["options"] = (
        f"-c search_path={SEARCH_PATH} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"
    )
    return found


def conninfo(role: str = "app", state: State | None = None) -> str:
    """The same as one libpq string, for `psycopg.connect(conninfo("owner"))`."""
    quoted = (
        f"{key}='" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        for key, value in connection(role, state).items()
    )
    return " ".join(quoted)


def database(role: str = "app", state: State | None = None) -> dict[str, Any]:
    """The `default` entry of Django's DATABASES for one role."""
    found = connection(role, state)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": found.pop("dbname"),
        "USER": found.pop("user"),
        "PASSWORD": found.pop("password"),
        "HOST": found.pop("host"),
        "PORT": found.pop("port"),
        # client-binding cursors refuse binary=True and send every parameter as text inside the statement
        "OPTIONS": found | {"server_side_binding": True},
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,  # a restarted server costs one retry, not an error page
    }


def read_url(url: str) -> dict[str, str]:
    """libpq keywords of a postgresql:// URL. Raises StateError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise StateError("MEDLOOM_DATABASE_URL must begin with postgresql://")
    found = {
        "host": unquote(parts.hostname or ""),
        "port": str(parts.port or ""),
        "dbname": unquote(parts.path.lstrip("/")),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
    return {key: value for key, value in found.items() if value} | dict(parse_qsl(parts.query))
