"""Databases of the demonstration's plants: each its own on the same server, with a login of its own."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from sqlalchemy import URL

from medloom.process import roles
from medloom.process.state import State


def wall() -> dt.datetime:
    """The clock on a plant's wall, without zone, as its programs write it."""
    return dt.datetime.now(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None, microsecond=0)


def plant_database(state: State, name: str) -> str:
    """Address of the database `name` on the hub's server, made with its login where it is missing."""
    found = roles.administrator(state)
    password, _ = state.ensure_secret(name)
    quoted = sql.Identifier(name)
    with psycopg.connect(**(found | {"dbname": "postgres"}), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
        verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
        connection.execute(sql.SQL("{} {} LOGIN PASSWORD {}").format(verb, quoted, sql.Literal(password)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(quoted))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(quoted, quoted))
    return URL.create(
        "postgresql+psycopg",
        username=name,
        password=password,
        database=name,
        query={"host": str(found["host"]), "port": str(found.get("port", 5432))},
    ).render_as_string(hide_password=False)
