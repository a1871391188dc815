"""The database that tests get: the app's rights, fresh after each test that commits."""

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from medloom.process.state import SEARCH_PATH, conninfo

pytestmark = pytest.mark.database


def _add(key: str) -> int:
    Session.objects.create(session_key=key, session_data="x", expire_date=timezone.now())
    return Session.objects.count()


@pytest.mark.django_db
def test_tests_are_the_app_role_with_the_search_path() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('search_path')")
        assert cursor.fetchone() == ("medloom_app", SEARCH_PATH)


@pytest.mark.django_db
@pytest.mark.parametrize("turn", [1, 2])
def test_an_ordinary_test_is_rolled_back(turn: int) -> None:
    assert _add("a") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_committing_test_starts_from_the_template(turn: int) -> None:
    assert _add("b") == 1
    with psycopg.connect(conninfo("app")) as other:  # committed: another connection sees it
        assert other.execute("SELECT count(*) FROM django_session").fetchone() == (1,)


@pytest.mark.django_db
def test_library_tables_are_in_the_framework_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relnamespace::regnamespace::text FROM pg_class"
            " WHERE relname IN ('django_session', 'django_migrations', 'procrastinate_jobs') GROUP BY 1"
        )
        assert cursor.fetchall() == [("framework",)]
        cursor.execute("SELECT has_table_privilege('framework.django_migrations', 'DELETE')")
        assert cursor.fetchone() == (False,)
