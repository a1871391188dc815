"""The drills on real processes and a real PostgreSQL, by case number; each on a database of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def _hub() -> Iterator[None]:
    """A fresh migrated database with Django on it, named to child processes by the environment."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
    django.setup()
    from django.conf import settings

    from medloom.kernel import ledger
    from medloom.process.testing import django_database

    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    with django_database():
        ledger.forget()
        yield


def _hostile(number: int) -> Callable[[int], str]:
    def run(seed: int) -> str:
        with _hub():
            from medloom.drills.hostile import CASES
            from medloom.drills.plant import Plant, enrol, through_client

            plant = Plant(through_client())
            enrol(plant)
            plant.open()
            return CASES[number](plant, seed)

    return run


def _program(number: int) -> Callable[[int], str]:
    def run(seed: int) -> str:
        with _hub():
            from medloom.drills.programs import CASES

            return CASES[number](seed)

    return run


def _agent_killed(seed: int) -> str:
    with _hub():
        from medloom.drills.agent import run_case13

        found = run_case13(seed)
    assert found.survived, found
    return str(found)


def _worker_killed(seed: int) -> str:
    with _hub():
        from medloom.drills.crash import run_case14

        found = run_case14(seed)
    assert found.survived, found
    return str(found)


def _disk_full(seed: int) -> str:
    with _hub():
        from medloom.drills.store import run_case17

        found = run_case17(seed)
    assert found.survived, found
    return str(found)


def _bit_flipped(seed: int) -> str:
    with _hub():
        from medloom.drills.store import run_case18

        found = run_case18(seed)
    assert found.survived, found
    return str(found)


def _snapshot_cut(seed: int) -> str:
    with _hub():
        from medloom.drills.store import run_case22

        found = run_case22(seed)
    assert found.survived, found
    return str(found)


def _horizon_held(seed: int) -> str:
    with _hub():
        from medloom.drills.held import run_case20

        found = run_case20(seed)
    assert found.survived, found
    return str(found)


def _hub_disk_full(seed: int) -> str:
    from medloom.drills.room import run_case16

    found = run_case16(seed)
    assert found.survived, found
    return str(found)


def _migrated(seed: int) -> str:
    with _hub():
        from medloom.drills.moving import run_case23

        found = run_case23(seed)
    assert found.survived, found
    return str(found)


def _logs(seed: int) -> str:
    from medloom.drills.logs import run_case56

    found = run_case56(seed)
    assert found.survived, found
    return str(found)


def _hostile_files(number: int) -> Callable[[int], str]:
    def run(seed: int) -> str:
        with _hub():
            from medloom.drills.files import run_files

            found = run_files(number, seed=seed)
        assert found.survived, found
        return str(found)

    return run


def _slow_senders(seed: int) -> str:
    with _hub():
        from medloom.drills.web import run_case19

        found = run_case19(seed)
    assert found.survived, found
    return str(found)


def _huge_bodies(seed: int) -> str:
    with _hub():
        from medloom.drills.web import run_case43

        found = run_case43(seed)
    assert found.survived, found
    return str(found)


def _receiver_away(seed: int) -> str:
    with _hub():
        from medloom.drills.away import run_case21

        found = run_case21(seed)
    assert found.survived, found
    return str(found)


def _other_versions(seed: int) -> str:
    with _hub():
        from medloom.drills.plant import Plant, enrol, through_client
        from medloom.drills.versions import run_case24

        plant = Plant(through_client())
        enrol(plant)
        return run_case24(plant, seed)


def _bus_dead(seed: int) -> str:
    with _hub():
        from medloom.drills.away import run_case25

        return run_case25(seed)


def _backlog(seed: int) -> str:
    with _hub():
        from medloom.drills.backlog import run_case26

        found = run_case26(seed)
    assert found.survived, found
    return str(found)


def _webhook_inside(seed: int) -> str:
    with _hub():
        from medloom.drills.away import run_case55

        return run_case55(seed)


def _database_killed(seed: int) -> str:
    from medloom.process.drill import run_case15

    found = run_case15(seed)
    assert found.survived, found
    return str(found)


#: Case number -> run(seed): what was counted. Raises AssertionError when the fault was not survived.
CASES: dict[int, Callable[[int], str]] = {
    13: _agent_killed,
    14: _worker_killed,
    15: _database_killed,
    16: _hub_disk_full,
    17: _disk_full,
    18: _bit_flipped,
    19: _slow_senders,
    20: _horizon_held,
    21: _receiver_away,
    22: _snapshot_cut,
    23: _migrated,
    24: _other_versions,
    25: _bus_dead,
    26: _backlog,
    **{number: _hostile(number) for number in (*range(31, 37), 42)},
    **{number: _hostile_files(number) for number in (37, 38, 39, 41)},
    43: _huge_bodies,
    56: _logs,
    **{number: _program(number) for number in (44, 50, 51, 53, 58)},
    55: _webhook_inside,
}
