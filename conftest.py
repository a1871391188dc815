"""Tests that ask for a database get a real one: see `medloom.process.testing`."""

from collections.abc import Iterator

import pytest

from medloom.process.testing import Bench, django_database


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker, django_db_createdb: bool
) -> Iterator[Bench]:
    """The test database, started when the first test asks for it (instead of pytest-django's own)."""
    with django_db_blocker.unblock(), django_database(migrate_again=django_db_createdb) as found:
        yield found


@pytest.fixture(autouse=True)
def fresh_bindings(request: pytest.FixtureRequest) -> None:
    """Forget which keys were bound in the test before: its database is gone."""
    if request.node.get_closest_marker("django_db") or "db" in request.fixturenames:
        from medloom.kernel import ledger

        ledger.forget()
