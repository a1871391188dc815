"""Statements that travel together behave as if they had come one by one."""

from collections.abc import Generator, Iterator
from decimal import Decimal

import psycopg
import pytest
from django.db import connection

from medloom.kernel import cursor as door
from medloom.kernel.cursor import Cursor
from medloom.process import state

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def connect() -> psycopg.Connection:
    name = {"dbname": connection.settings_dict["NAME"]}
    return psycopg.connect(**(state.connection("owner") | name))


@pytest.fixture
def link() -> Iterator[psycopg.Connection]:
    """A connection of its own with a table that ends with it."""
    with connect() as found:
        found.execute("CREATE TEMPORARY TABLE t (n integer PRIMARY KEY, word text, amount numeric)")
        found.commit()
        yield found


def test_statements_run_in_order_and_values_come_as_themselves(link: psycopg.Connection) -> None:
    with Cursor(link) as cursor:
        cursor.execute("insert into t values (%s, %s, %s)", [1, "50 %", Decimal("1.50")])
        changed = cursor.execute("update t set word = word || '%%' where n = %(n)s and n = %(n)s", {"n": 1})
        found = cursor.execute("select * from t where word = %s", ["50 %%"])
        assert found.fetchone() == {"n": 1, "word": "50 %%", "amount": Decimal("1.50")}
        assert found.fetchone() is None and changed.rowcount == 1


def test_nothing_behind_a_failed_statement_is_run_and_the_connection_goes_on(
    link: psycopg.Connection,
) -> None:
    cursor = Cursor(link)
    cursor.execute("insert into t values (1)")
    cursor.execute("insert into t values (1)")
    behind = cursor.execute("insert into t values (2)")
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        cursor.flush()
    assert caught.value.diag.constraint_name == "t_pkey"
    with pytest.raises(psycopg.ProgrammingError, match="not run"):
        behind.fetchall()
    link.rollback()
    with Cursor(link) as again:
        assert again.execute("select count(*) c from t").fetchone() == {"c": 0}


def test_a_block_that_ends_with_an_error_sends_nothing_more(link: psycopg.Connection) -> None:
    with pytest.raises(ZeroDivisionError), Cursor(link) as cursor:
        cursor.execute("insert into t values (1)")
        cursor.execute(f"insert into t values ({1 // 0})")
    assert link.execute("select count(*) from t").fetchone() == (0,)


def test_a_table_that_changed_its_shape_is_read_anew(link: psycopg.Connection) -> None:
    """As a migration does below running processes: the plan that was kept gives other columns."""
    with Cursor(link) as cursor:
        assert cursor.execute("select * from t").fetchall() == []
    link.execute("ALTER TABLE t ADD COLUMN more text DEFAULT 'x'")
    link.execute("INSERT INTO t (n) VALUES (1)")
    link.commit()
    with pytest.raises(psycopg.errors.FeatureNotSupported), Cursor(link) as cursor:
        cursor.execute("select * from t")
    link.rollback()
    with Cursor(link) as cursor:
        assert cursor.execute("select * from t").fetchone() == {
            "n": 1, "word": None, "amount": None, "more": "x",
        }  # fmt: skip


def test_prepared_statements_are_forgotten_before_they_fill_the_server(
    link: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "PREPARED_MOST", 10)
    for number in range(50):
        with Cursor(link) as cursor:
            assert cursor.execute(f"select {number} n").fetchone() == {"n": number}
    (kept,) = link.execute("select count(*) from pg_prepared_statements").fetchone()
    assert kept <= 12


def test_copy_and_plain_use_of_the_connection_come_after_what_was_queued(link: psycopg.Connection) -> None:
    with Cursor(link) as cursor:
        cursor.execute("insert into t values (1)")
        with cursor.copy("COPY t (n) FROM STDIN") as copy:
            copy.write_row([2])
        assert cursor.connection.execute("select sum(n) from t").fetchone() == (3,)
        cursor.execute("delete from t where n = 1")
        assert cursor.rowcount == 1


def test_a_server_that_ends_in_the_middle_closes_the_connection(link: psycopg.Connection) -> None:
    pid = link.info.backend_pid
    with connect() as other:
        cursor = Cursor(link)
        cursor.execute("select 1")
        cursor.flush()
        other.execute("select pg_terminate_backend(%s)", [pid])
        with pytest.raises(psycopg.OperationalError):
            cursor.execute("select 1").fetchall()
    assert link.closed


def test_what_is_sent_ahead_is_answered_later_and_in_order(link: psycopg.Connection) -> None:
    with Cursor(link) as cursor:
        long = "x" * 3_000_000  # more than a socket holds
        cursor.execute("insert into t values (1, %s)", [long])
        sizes = cursor.execute("select length(word) as size from t")
        cursor.send()
        cursor.execute("insert into t values (2, %s)", [long])
        cursor.send()
        cursor.execute("insert into t values (3)")
        with cursor.copy("copy t (n) from stdin") as copy:
            copy.write(b"4\n")
        assert sizes.fetchall() == [{"size": len(long)}]
        assert cursor.execute("select array_agg(n order by n) as all from t").fetchone() == {
            "all": [1, 2, 3, 4]
        }


def test_a_failure_of_what_was_sent_ahead_is_raised_where_answers_are_read(link: psycopg.Connection) -> None:
    cursor = Cursor(link)
    cursor.execute("insert into t values (1)")
    cursor.execute("insert into t values (1)")
    cursor.send()
    behind = cursor.execute("insert into t values (2)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        _ = behind.rowcount
    link.rollback()
    with Cursor(link) as again:
        assert again.execute("select count(*) as n from t").fetchone() == {"n": 0}


def test_an_error_of_python_behind_what_was_sent_ahead_leaves_the_connection_fit(
    link: psycopg.Connection,
) -> None:
    with pytest.raises(ZeroDivisionError), Cursor(link) as cursor:
        cursor.execute("insert into t values (1)")
        cursor.execute("insert into t values (1)")  # its failure does not hide the error of Python
        cursor.send()
        cursor.execute(f"insert into t values ({1 // 0})")
    link.rollback()
    with Cursor(link) as again:
        assert again.execute("select count(*) as n from t").fetchone() == {"n": 0}


def test_parts_ask_before_any_of_them_reads(link: psycopg.Connection) -> None:
    told: list[str] = []

    def part(name: str, steps: int) -> Generator[None, None, str]:
        for step in range(steps):
            told.append(f"{name}{step}")
            yield
        return name

    assert door.together([part("a", 2), "read already", part("b", 1)]) == ["a", "read already", "b"]
    assert told == ["a0", "b0", "a1"]
