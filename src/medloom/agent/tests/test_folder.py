"""A watched folder gives each complete file once, and leaves what is still being written."""

from __future__ import annotations

from pathlib import Path

import pytest

from medloom.agent.sources import folder as folders
from medloom.agent.sources.folder import Folder
from medloom.agent.tests.files import xlsx

pytestmark = pytest.mark.files


def names(folder: Folder, now: float) -> list[str]:
    return [delivery.name for delivery in folder.poll(now=now)]


def test_a_file_is_left_until_it_stands_still(tmp_path: Path) -> None:
    folder = Folder(tmp_path, settle_seconds=2)
    path = tmp_path / "report_1.xlsx"
    data = xlsx([["a"], [1]])
    path.write_bytes(data[:100])
    assert names(folder, 0) == []
    path.write_bytes(data)
    assert names(folder, 1.9) == []
    assert folder.waiting() == ["report_1.xlsx"]
    assert names(folder, 3.0) == []
    assert names(folder, 4.0) == ["report_1.xlsx"]
    assert names(folder, 60.0) == []


def test_a_file_that_changes_is_given_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path, settle_seconds=0)
    path = tmp_path / "sub" / "r.csv"
    path.parent.mkdir()
    path.write_bytes(b"a\n1\n")
    assert names(folder, 0) == ["sub/r.csv"]
    path.write_bytes(b"a\n1\n2\n")
    assert names(folder, 1) == ["sub/r.csv"]


def test_passing_files_and_links_are_not_read(tmp_path: Path) -> None:
    folder = Folder(tmp_path, settle_seconds=0)
    for name in ("~$r.xlsx", ".r.csv", "r.csv.part", "r.tmp", "notes.docx"):
        (tmp_path / name).write_bytes(b"a\n1\n")
    outside = tmp_path.parent / f"{tmp_path.name}.csv"
    outside.write_bytes(b"a\n1\n")
    (tmp_path / "link.csv").symlink_to(outside)
    assert names(folder, 0) == []


def test_a_broken_file_is_one_delivery_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "r.xlsx").write_bytes(b"PK\x03\x04 broken")
    (delivery,) = Folder(tmp_path, settle_seconds=0).poll(now=0)
    assert delivery.refusal is not None and delivery.refusal.code == "file_broken"


def test_what_is_too_much_for_one_round_comes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files gather for years, and the newest has the last name: it must not be left out for their number."""
    monkeypatch.setattr(folders, "ROUND_FILES_MAX", 3)
    monkeypatch.setattr(folders, "ROUND_BYTES_MAX", 1_000)
    folder = Folder(tmp_path, settle_seconds=0)
    for n in range(8):
        (tmp_path / f"r{n}.csv").write_bytes(b"a\n1\n")
    (tmp_path / "s8.csv").write_bytes(b"a\n" + b"1\n" * 5_000)
    (tmp_path / "s9.csv").write_bytes(b"a\n1\n")
    rounds = [names(folder, n) for n in range(5)]
    assert [len(each) for each in rounds] == [3, 3, 3, 1, 0]
    assert sorted(name for each in rounds for name in each) == sorted(p.name for p in tmp_path.iterdir())


def test_a_folder_that_is_gone_gives_nothing_and_comes_back(tmp_path: Path) -> None:
    place = tmp_path / "share"
    folder = Folder(place, settle_seconds=0)
    assert names(folder, 0) == []
    place.mkdir()
    (place / "r.csv").write_bytes(b"a\n1\n")
    assert names(folder, 1) == ["r.csv"]
