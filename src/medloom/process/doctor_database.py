"""What the doctor looks at inside the database. One connection a check, closed before the next."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import dict_row

from medloom.process.cluster import last_line
from medloom.process.doctor import FAIL, OK, WARN, Check, Finding
from medloom.process.roles import TRACER
from medloom.process.state import LOGIN_ROLES, State, connection, external_url

VERSIONS = (15, 18)
HELD_WARN_S, HELD_FAIL_S = 5, 60
SKEW_WARN_S = 5.0
CONNECT_S = 5
STOCK_S_MAX, STOCK_SHOWN = 30, 20

HOLDERS = """
    SELECT pid, usename, application_name, datname, client_addr::text AS client, state,
           extract(epoch FROM clock_timestamp() - xact_start)::int AS age_s
    FROM pg_stat_activity
    WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
      AND xact_start < clock_timestamp() - make_interval(secs => %s)
    ORDER BY xact_start
"""
PREPARED = "SELECT gid, database FROM pg_prepared_xacts WHERE prepared < now() - make_interval(secs => %s)"
SLOTS = """
    SELECT slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS bytes
    FROM pg_replication_slots WHERE NOT active
"""
RIGHTS = """
    SELECT n.nspname || '.' || c.relname AS name, p.privilege
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
    WHERE c.relkind IN ('r', 'p') AND has_table_privilege(%s, c.oid, p.privilege)
      AND (n.nspname = 'ledger' OR (n.nspname = 'business' AND p.privilege <> 'UPDATE'))
    ORDER BY 1
"""


@contextlib.contextmanager
def _open(state: State, role: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(
        **connection(role, state), connect_timeout=CONNECT_S, autocommit=True, row_factory=dict_row
    ) as found:
        yield found


def _reachable(state: State) -> str | None:
    """Why the database cannot be reached as the app, or None."""
    try:
        with _open(state, "app"):
            return None
    except psycopg.OperationalError as error:
        return " ".join(str(error).split())


def _database(state: State) -> list[Finding]:
    if why := _reachable(state):
        advice = "start it with `medloom up`"
        if external_url():
            advice = "is the server up, MEDLOOM_DATABASE_URL right, and `medloom migrate` done once?"
        return [Finding("database", FAIL, why, advice)]
    findings = []
    with _open(state, "app") as app:
        version = app.info.server_version // 10000
        here = app.execute("SELECT extract(epoch FROM clock_timestamp())::float8 AS now").fetchone()
    low, high = VERSIONS
    told = f"PostgreSQL {version} answers"
    if version < low:
        findings.append(Finding("database", FAIL, f"{told}; {low} or newer is needed", "upgrade the server"))
    elif version > high:
        advice = f"tested with {low} to {high}"
        findings.append(Finding("database", WARN, f"{told}; Medloom does not know this version", advice))
    if here and abs(skew := here["now"] - time.time()) > SKEW_WARN_S:
        message = f"its clock differs from ours by {skew:.0f} s"
        findings.append(Finding("database", WARN, message, "set both clocks by NTP"))
    return findings or [Finding("database", OK, told)]


def _roles(state: State) -> list[Finding]:
    if _reachable(state):
        return []
    findings = []
    names = [*LOGIN_ROLES.values(), TRACER]
    for role in ("owner", "sequencer"):
        try:
            with _open(state, role):
                continue
        except psycopg.OperationalError as error:
            message = f"{LOGIN_ROLES[role]} cannot log in: {last_line(str(error))}"
            findings.append(
                Finding("roles", FAIL, message, "restart `medloom up`; with a server: `medloom migrate`")
            )
    with _open(state, "app") as app:
        rows = app.execute(
            "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles"
            " WHERE rolname = ANY(%s) OR rolname = current_user",
            [names],
        ).fetchall()
        open_rights = app.execute(RIGHTS, [app.info.user]).fetchall()
    for row in rows:
        if row["rolsuper"] or row["rolbypassrls"]:
            message = f"{row['rolname']} sees every row, whatever the row policies say"
            advice = f"ALTER ROLE {row['rolname']} NOSUPERUSER NOBYPASSRLS"
            findings.append(Finding("roles", FAIL, message, advice))
    if missing := set(names) - {row["rolname"] for row in rows}:
        advice = "`medloom migrate` with a login that may create roles"
        findings.append(Finding("roles", FAIL, f"missing: {', '.join(sorted(missing))}", advice))
    for row in open_rights:
        message = f"the app may {row['privilege']} {row['name']}"
        findings.append(Finding("roles", FAIL, message, "`medloom migrate` lays the rights anew"))
    return findings or [Finding("roles", OK, "separate, none above the row policies")]


def _migrations(state: State) -> list[Finding]:
    if _reachable(state):
        return []
    import django

    os.environ.setdefault("MEDLOOM_LOG_LEVEL", "WARNING")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
    django.setup()
    from django.db import Error

    from medloom.process import migration

    try:
        missing = migration.pending()
        if not missing and migration.kept_fingerprint(state) == migration.fingerprint():
            return [Finding("migrations", OK, "all applied")]
    except Error as error:
        return [Finding("migrations", FAIL, last_line(str(error)), "run `medloom migrate`")]
    if missing:
        names = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        return [Finding("migrations", FAIL, f"{len(missing)} not applied: {names}", "run `medloom migrate`")]
    message = "rights and row policies are of another version"
    return [Finding("migrations", WARN, message, "run `medloom migrate`")]


def _horizon(state: State) -> list[Finding]:
    """An open write transaction anywhere on the server keeps every feed from going on."""
    if _reachable(state):
        return []
    findings = []
    with _open(state, "sequencer") as sequencer:
        for row in sequencer.execute(HOLDERS, [HELD_WARN_S]).fetchall():
            who = f"session {row['pid']} ({row['application_name'] or 'no name'}, {row['usename']}"
            who += f", database {row['datname']}" + (f", from {row['client']}" if row["client"] else "") + ")"
            message = (
                f"{who} has an open transaction for {row['age_s']} s ({row['state']}): feeds wait for it"
            )
            advice = f"let it commit, or end it: SELECT pg_terminate_backend({row['pid']})"
            level = FAIL if row["age_s"] >= HELD_FAIL_S else WARN
            findings.append(Finding("horizon", level, message, advice))
        for row in sequencer.execute(PREPARED, [HELD_WARN_S]).fetchall():
            message = f"a prepared transaction {row['gid']} of database {row['database']} is open: feeds wait"
            findings.append(Finding("horizon", FAIL, message, f"ROLLBACK PREPARED '{row['gid']}'"))
        for row in sequencer.execute(SLOTS).fetchall():
            message = (
                f"replication slot {row['slot_name']} is unused and keeps {row['bytes'] or 0} bytes of log"
            )
            advice = f"SELECT pg_drop_replication_slot('{row['slot_name']}') if its reader is gone"
            findings.append(Finding("horizon", WARN, message, advice))
    return findings or [Finding("horizon", OK, "no transaction holds the feeds back")]


def _recovery(state: State) -> list[Finding]:
    """A hub that was restored waits for what the sites bring back."""
    if _reachable(state):
        return []
    from medloom.exchange import recovery

    try:
        with _open(state, "owner") as owner, owner.cursor() as cursor:
            now = recovery.progress(cursor)
    except psycopg.errors.UndefinedTable:
        return []  # `migrations` says so already
    if now is None or not now.recovering:
        return [Finding("recovery", OK, "no recovery is under way")]
    waits = [each.site for each in now.sites if each.state != recovery.RETURNED]
    missing = sum(last - first + 1 for first, last in now.unseen)
    message = f"restored up to entry {now.since}, recovering since {now.began}"
    message += f"; waits for {', '.join(waits) or 'nobody'}"
    message += f"; {missing} lost entries were not brought back so far" if missing else ""
    advice = (
        "let those sites' agents run; `medloom recover` shows each, `medloom recover end` gives up waiting"
    )
    return [Finding("recovery", WARN, message, advice)]


def _stock(state: State) -> list[Finding]:
    """Stock is a sum of moves that is written with them; a difference was written past the door."""
    if _reachable(state):
        return []
    import django

    os.environ.setdefault("MEDLOOM_LOG_LEVEL", "WARNING")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
    django.setup()
    from medloom.materials.queries import stock_differences

    with _open(state, "owner") as owner:
        owner.execute(f"SET statement_timeout = '{STOCK_S_MAX}s'")
        try:
            found = stock_differences(owner, most=STOCK_SHOWN + 1)
        except psycopg.errors.UndefinedTable:
            return []  # `migrations` says so already
        except psycopg.errors.QueryCanceled:
            message = f"not compared with its moves: that takes more than {STOCK_S_MAX} s here"
            return [Finding("stock", WARN, message, "run this when the hub is idle")]
    if not found:
        return [Finding("stock", OK, "all of it is the sum of its moves")]
    advice = "the moves are right; find out who wrote to the table stock, then tell us with --json"
    findings = [
        Finding(
            "stock",
            FAIL,
            f"lot {row['key']} of {row['site']} at {row['location'] or 'no location'} ({row['status']}): "
            f"{row['kept']:f} is kept, its moves make {row['moved']:f}",
            advice,
        )
        for row in found[:STOCK_SHOWN]
    ]
    if len(found) > STOCK_SHOWN:
        findings.append(Finding("stock", FAIL, f"and more than these {STOCK_SHOWN}", advice))
    return findings


CHECKS: list[tuple[str, Check]] = [
    ("database", _database),
    ("roles", _roles),
    ("migrations", _migrations),
    ("horizon", _horizon),
    ("recovery", _recovery),
    ("stock", _stock),
]
