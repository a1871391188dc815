"""Which table lives in which schema, what the roles may do with it, and who may see which row.

Derived from the declarations and laid down after every migration by the owner's role; running it
again changes nothing. Row-level security is the second fence: the first is the query itself.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection, models

from medloom.kernel.entity import Entity, Part, catalogue
from medloom.kernel.queries import PARTITION_ROWS

#: Tables of the ledger: the application may read and add, never change.
LEDGER = ("build", "entry", "source_seen", "feed_line", "leaf", "subtree", "seal", "hub", "recovery")
PARTITIONS_AHEAD = 3
#: What the sequencer's role may add.
SEQUENCED = ("feed_line", "leaf", "subtree", "seal")
#: What it counts for the pages.
KEPT = ("feed_tally", "arrival")
#: The site whose rows the caller may see; "*" only inside the door and for the registrant's people.
SITE = "(select current_setting('medloom.site', true))"
RIGHTS = {
    "business": "select, insert, update",
    "ledger": "select, insert",
    "framework": "select, insert, update, delete",
}


def schema_of(model: type[models.Model]) -> str:
    """Where a model's table belongs."""
    if model._meta.db_table in LEDGER:
        return "ledger"
    if issubclass(model, Entity | Part) or getattr(model, "projection", False):
        return "business"
    return "framework"


def make_partitions(cursor: Any) -> None:
    """Partitions of the ledger for the next PARTITIONS_AHEAD ranges; a full ledger refuses, never loses."""
    cursor.execute("select last_value from entry_seq")
    now = cursor.fetchone()[0] // PARTITION_ROWS
    for number in range(now + PARTITIONS_AHEAD + 1):
        low = "minvalue" if number == 0 else str(number * PARTITION_ROWS)
        cursor.execute(
            f"""create table if not exists ledger.entry_p{number} partition of entry
                for values from ({low}) to ({(number + 1) * PARTITION_ROWS})"""
        )


def lay(cursor: Any) -> None:
    """Move tables to their schemas, set rights and policies. Needs the owner's role."""
    make_partitions(cursor)
    tables = {m._meta.db_table: schema_of(m) for m in apps.get_models(include_auto_created=True)}
    tables["django_migrations"] = "framework"
    cursor.execute(
        """select c.relname, n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'p')
             and n.nspname in ('business', 'ledger', 'framework', 'public')"""
    )
    where = dict(cursor.fetchall())
    for table, schema in sorted(where.items()):
        wanted = _schema_by_name(table, tables)
        if schema != wanted:
            cursor.execute(f'alter table "{schema}"."{table}" set schema {wanted}')
        _grant(cursor, wanted, table)
    _grant_sequences(cursor)
    for declared in catalogue().values():
        _fence_rows(cursor, declared.table, _sees(declared.facts.readers))
        for lines in declared.lines.values():
            # the parent's own policy filters the inner query
            inner = f"exists (select from {declared.table} p where p.num = {lines.table}.{lines.parent})"
            _fence_rows(cursor, lines.table, inner)
    for model in apps.get_models():
        if getattr(model, "projection", False):
            _fence_rows(cursor, model._meta.db_table, _sees("site"))
    _fence_rows(cursor, "entry", f"({SITE} = '*' or {SITE} = any(sites))")
    _policy(cursor, "entry", "sequencer_reads", "for select to medloom_sequencer using (true)")
    _close_functions(cursor)
    for kept in KEPT:
        cursor.execute(f"grant select, insert, update on {kept} to medloom_sequencer")
        _policy(cursor, kept, "sequencer_keeps", "for all to medloom_sequencer using (true)")


def _close_functions(cursor: Any) -> None:
    """Functions that see every row are for the application alone.

    In the tracer's own name: once a function is the tracer's, what we revoke in ours is not revoked, and
    PostgreSQL only warns. Everybody could run them (seen in the catalogue: `=X/medloom_tracer`).
    """
    cursor.execute(
        """select p.oid::regprocedure::text from pg_proc p
           where p.prosecdef and pg_get_userbyid(p.proowner) = 'medloom_tracer'"""
    )
    for (signature,) in cursor.fetchall():
        cursor.execute("set role medloom_tracer")
        cursor.execute(f"revoke execute on function {signature} from public")
        cursor.execute(f"grant execute on function {signature} to medloom_app")
        cursor.execute("reset role")


def _schema_by_name(table: str, tables: dict[str, str]) -> str:
    if table.startswith("entry_p"):
        return "ledger"
    return tables.get(table, "framework")


def _grant(cursor: Any, schema: str, table: str) -> None:
    name = f'{schema}."{table}"'
    cursor.execute(f"revoke all on {name} from medloom_app, medloom_sequencer")
    cursor.execute(f"grant {RIGHTS[schema]} on {name} to medloom_app")
    if table.startswith("entry_p"):
        # Added to directly, because COPY does not go through row-level security; read by the parent only.
        cursor.execute(f"revoke all on {name} from medloom_app, medloom_sequencer")
        cursor.execute(f"grant insert on {name} to medloom_app")
    elif schema == "ledger":
        rights = "select, insert" if table in SEQUENCED else "select"
        cursor.execute(f"grant {rights} on {name} to medloom_sequencer")


def _grant_sequences(cursor: Any) -> None:
    for schema in RIGHTS:
        cursor.execute(f"grant usage, select on all sequences in schema {schema} to medloom_app")
    cursor.execute("grant usage, select on all sequences in schema ledger to medloom_sequencer")


def _sees(readers: str) -> str:
    """The rows a caller may read, as SQL; a network's object is everybody's."""
    if readers == "network":
        return f"({SITE} is not null and {SITE} <> '')"
    if readers == "registrant":
        return f"{SITE} = '*'"
    return f"{SITE} in ('*', site)"


def _fence_rows(cursor: Any, table: str, sees: str) -> None:
    cursor.execute(f'alter table "{table}" enable row level security')
    cursor.execute(f'alter table "{table}" force row level security')
    _policy(cursor, table, "owner_all", "for all to medloom using (true) with check (true)")
    _policy(cursor, table, "tracer_reads", "for select to medloom_tracer using (true)")
    _policy(cursor, table, "app_reads", f"for select to medloom_app using ({sees})")
    door = f"{SITE} = '*'"
    _policy(cursor, table, "app_adds", f"for insert to medloom_app with check ({door})")
    _policy(cursor, table, "app_changes", f"for update to medloom_app using ({door}) with check ({door})")


def _policy(cursor: Any, table: str, name: str, rule: str) -> None:
    cursor.execute(f'drop policy if exists {name} on "{table}"')
    cursor.execute(f'create policy {name} on "{table}" {rule}')


def lay_now() -> None:
    """`lay` on Django's own connection."""
    with connection.cursor() as cursor:
        lay(cursor)
