"""The database's roles, schemas and rights. Idempotent: run at every start and after every migration.

    medloom            owns everything, runs migrations; nothing else logs in as it
    medloom_app        web and worker: reads, adds, changes; deletes only framework rows (sessions, jobs)
    medloom_sequencer  reads the ledger, writes feeds
    medloom_tracer     owns the trace functions; nobody logs in as it

None is a superuser and none bypasses row-level security.
"""

import contextlib
import hashlib
import os

import psycopg
from psycopg import sql

from medloom.process import cluster
from medloom.process.state import LOGIN_ROLES, PORT, State, StateError, database_name, read_url

TRACER = "medloom_tracer"
CONNECT_S = 15
SCHEMAS = ("business", "ledger", "framework")
# What the app may do by schema; the ledger is append-only and business rows are never deleted.
APP_RIGHTS = {
    "business": "SELECT, INSERT, UPDATE",
    "ledger": "SELECT, INSERT",
    "framework": "SELECT, INSERT, UPDATE, DELETE",
}
GRANTS = (
    "CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}",
    "GRANT USAGE ON SCHEMA {schema} TO {app}, {sequencer}, {tracer}",
    "GRANT CREATE ON SCHEMA {schema} TO {tracer}",  # whoever is given a function must be able to create it
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT {rights} ON TABLES TO {app}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {app}",
)
ATTRIBUTES = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def prepare(state: State) -> None:
    """Roles, the database and its schemas, with the login of `administrator`.

    Raises StateError when it is refused.
    """
    found = administrator(state)
    database = database_name()
    try:
        with psycopg.connect(
            **(found | {"dbname": "postgres"}), connect_timeout=CONNECT_S, autocommit=True
        ) as connection:
            _make_roles(connection, state)
            _make_database(connection, database)
        with psycopg.connect(**(found | {"dbname": database}), connect_timeout=CONNECT_S) as connection:
            _make_schemas(connection)
    except psycopg.OperationalError as error:
        raise StateError(f"the database refuses us: {' '.join(str(error).split())}") from error


def administrator(state: State) -> dict[str, str]:
    """libpq keywords of the login that may create roles."""
    if url := os.environ.get("MEDLOOM_DATABASE_URL"):
        return read_url(url)
    password = state.secret(cluster.SUPERUSER)
    if not password:
        raise StateError(
            f"the secret {state.secrets / cluster.SUPERUSER} is missing or not readable: "
            "restore it from the backup of the state folder"
        )
    return {"host": str(state.run), "port": str(PORT), "user": cluster.SUPERUSER, "password": password}


def _make_roles(connection: psycopg.Connection, state: State) -> None:
    known = dict(connection.execute("SELECT rolname, rolinherit FROM pg_roles").fetchall())
    for role, name in LOGIN_ROLES.items():
        password, fresh = state.ensure_secret(name)
        inherits = role != "owner"
        parts = {"name": sql.Identifier(name), "password": sql.Literal(password)}
        parts["inherit"] = sql.SQL("INHERIT" if inherits else "NOINHERIT")
        if name not in known:
            statement = "CREATE ROLE {name} LOGIN {attributes} {inherit} PASSWORD {password}"
            parts["attributes"] = sql.SQL(ATTRIBUTES)
            connection.execute(sql.SQL(statement).format(**parts))
            continue
        if fresh:  # only the password: PostgreSQL 15 lets nobody but a superuser name the attributes
            connection.execute(sql.SQL("ALTER ROLE {name} PASSWORD {password}").format(**parts))
        if known[name] != inherits:
            connection.execute(sql.SQL("ALTER ROLE {name} {inherit}").format(**parts))
            connection.execute(sql.SQL("REVOKE pg_read_all_stats FROM {name}").format(**parts))
    if TRACER not in known:
        connection.execute(
            sql.SQL("CREATE ROLE {} NOLOGIN {}").format(sql.Identifier(TRACER), sql.SQL(ATTRIBUTES))
        )
        # the owner does not inherit: it may give functions to the tracer, and does not see with its eyes
        connection.execute(
            sql.SQL("GRANT {} TO {}").format(sql.Identifier(TRACER), sql.Identifier(LOGIN_ROLES["owner"]))
        )
    # who holds the horizon back (protocol.md, doctor): without this right PostgreSQL hides other sessions
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
        connection.execute(
            sql.SQL("GRANT pg_read_all_stats TO {}").format(sql.Identifier(LOGIN_ROLES["sequencer"]))
        )


def _make_database(connection: psycopg.Connection, database: str) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        return
    owner = LOGIN_ROLES["owner"]
    if not connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()[0]:
        connection.execute(sql.SQL("GRANT {} TO current_user").format(sql.Identifier(owner)))
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
            sql.Identifier(database), sql.Identifier(owner)
        )
    )
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
    for role in (*LOGIN_ROLES.values(), TRACER):
        connection.execute(
            sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                sql.Identifier(database), sql.Identifier(role)
            )
        )


def _make_schemas(connection: psycopg.Connection) -> None:
    """Schemas and their rights, once for each wording of GRANTS; the schema's comment says which was laid."""
    owner, app, sequencer = (sql.Identifier(LOGIN_ROLES[role]) for role in ("owner", "app", "sequencer"))
    known = dict(
        connection.execute(
            "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace"
        ).fetchall()
    )
    mark = hashlib.sha256(repr((GRANTS, APP_RIGHTS)).encode()).hexdigest()
    for schema in SCHEMAS:
        if known.get(schema) == mark:
            continue
        parts = {"schema": sql.Identifier(schema), "owner": owner, "app": app, "sequencer": sequencer}
        parts |= {"rights": sql.SQL(APP_RIGHTS[schema]), "tracer": sql.Identifier(TRACER)}
        for statement in GRANTS:
            connection.execute(sql.SQL(statement).format(**parts))
        connection.execute(
            sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(schema), sql.Literal(mark))
        )
