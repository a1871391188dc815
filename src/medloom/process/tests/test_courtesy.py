"""A push stands still while a page is made: it ends with the page, and never lasts for long."""

from __future__ import annotations

import struct
import threading
import time
from pathlib import Path

import pytest

from medloom.process.courtesy import PAGE_S, WAIT_SHARE, Courtesy

pytestmark = pytest.mark.files


def _waits(courtesy: Courtesy) -> tuple[threading.Thread, list[float]]:
    """A push that gives way in a thread, and for how long it did."""
    waited: list[float] = []

    def push() -> None:
        began = time.monotonic()
        courtesy.giving_way()()
        waited.append(time.monotonic() - began)

    thread = threading.Thread(target=push)
    thread.start()
    return thread, waited


def test_a_push_goes_on_when_the_page_of_another_process_is_out(tmp_path: Path) -> None:
    """Two objects on one file stand for two processes."""
    pages, door = Courtesy(tmp_path / "pages"), Courtesy(tmp_path / "pages")
    pages.begin()
    thread, waited = _waits(door)
    time.sleep(0.05)
    assert not waited
    pages.end()
    thread.join(5)
    assert len(waited) == 1
    assert door.until == 0.0


def test_the_second_of_two_pages_is_waited_for_as_well(tmp_path: Path) -> None:
    """One process, two threads with a page each."""
    courtesy = Courtesy(tmp_path / "pages")
    courtesy.begin()
    courtesy.begin()
    courtesy.end()
    assert courtesy.until > courtesy.clock()
    courtesy.end()
    assert courtesy.until == 0.0


@pytest.mark.parametrize("left", [False, True], ids=["clock of another boot", "process that died"])
def test_nobody_waits_for_a_page_that_never_ends(tmp_path: Path, *, left: bool) -> None:
    """What is left in the file by a process that died, or by a machine that was started again."""
    place = tmp_path / "pages"
    place.write_bytes(struct.pack("=d", time.monotonic() + (PAGE_S / 2 if left else 1e6)))
    thread, waited = _waits(Courtesy(place))
    thread.join(5)
    assert waited
    assert left or waited[0] < PAGE_S


def test_a_push_is_not_starved_by_a_thousand_pages(tmp_path: Path) -> None:
    """The clock goes only while the push sleeps or works: it waits no longer than it is said to."""
    now = [0.0]
    courtesy = Courtesy(tmp_path / "pages", clock=lambda: now[0])
    real, time.sleep = time.sleep, lambda s: now.__setitem__(0, now[0] + s)
    try:
        give_way = courtesy.giving_way()
        for _ in range(10):
            now[0] += 0.02  # work
            for _ in range(3):
                courtesy.begin()
            give_way()
    finally:
        time.sleep = real
    assert 0.4 < now[0] < 0.2 * (1 + WAIT_SHARE) + PAGE_S + 0.1


def test_without_a_folder_a_process_minds_its_own_pages(tmp_path: Path) -> None:
    """A hub on another's database may have no state folder that it can write."""
    courtesy = Courtesy(tmp_path / "missing" / "pages")
    courtesy.begin()
    assert courtesy.until > courtesy.clock()
