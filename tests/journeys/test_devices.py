"""The device catalogue: imported, imported again, changed by a later file; what is wrong is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from medloom.design.models import Device, DevicePackage, DeviceStorage
from medloom.design.tests.test_gudid import BOX, DI, package, record, storage
from medloom.interfaces.commands.device import device
from medloom.kernel.access import ALL, seeing
from medloom.kernel.models import Entry
from medloom.wire.verdict import Verdict
from tests.journeys.sending import codes, plant

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

SECOND = """<identifier><deviceId>H373RMT2312163</deviceId><deviceIdType>Secondary</deviceIdType>
    <deviceIdIssuingAgency>HIBCC</deviceIdIssuingAgency></identifier>"""


def imported(path: Path, *records: str, options: tuple[str, ...] = ()) -> dict[str, object]:
    path.write_text(f"<data>{''.join(records)}</data>", encoding="utf-8")
    done = CliRunner().invoke(device, ["import", str(path), "--json", *options])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_a_second_reading_changes_nothing_and_a_later_file_changes_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "g.xml"
    warm = storage("2", "Degrees Celsius", "8", "Degrees Celsius")
    first = imported(path, record(inside=package(BOX, DI, "10"), more=warm), record("09520001234561"))
    assert first["counts"] == {"new": 1, "refused": 1, "with_findings": 0}
    assert [(r["code"], r["expected"]) for r in first["refused"]] == [("udi_check_digit", DI)]  # type: ignore[attr-defined]
    again = imported(path, record(inside=package(BOX, DI, "10"), more=warm))
    assert again["counts"] == {"same": 1}
    later = imported(path, record(inside=package(BOX, DI, "12"), more=warm), record())
    assert later["counts"] == {"changed": 1, "refused": 1, "with_findings": 0}, "one device twice in a file"
    with seeing(ALL):
        (one,) = Device.objects.all()
        assert (one.di, one.brand, one.version) == (DI, "Demo brand", 2)
        assert [p.quantity for p in DevicePackage.objects.filter(until=None)] == [12]
        assert [(s.low, s.high, s.unit) for s in DeviceStorage.objects.filter(until=None)] == [(2, 8, "Cel")]
        assert set(Entry.objects.values_list("verdict", flat=True)) == {"accepted"}


def edition(number: int, day: str, count: int) -> str:
    told = f"<publicVersionNumber>{number}</publicVersionNumber><publicVersionDate>{day}</publicVersionDate>"
    return record(more=f"<deviceCount>{count}</deviceCount>{told}")


def count() -> int | None:
    with seeing(ALL):
        return Device.objects.get(di=DI).count


def test_releases_read_out_of_order_leave_the_newest_standing(tmp_path: Path) -> None:
    def plain(count: int) -> str:
        return record(more=f"<deviceCount>{count}</deviceCount>")

    imported(tmp_path / "release_20160825.xml", plain(2))
    older = imported(tmp_path / "release_20150101.xml", plain(1))
    assert [(r["code"], r["path"], r["got"]) for r in older["refused"]] == [  # type: ignore[attr-defined]
        ("gudid_older", "/edition_on", "2015-01-01")
    ]
    assert count() == 2
    assert imported(tmp_path / "undated.xml", plain(3))["counts"] == {"refused": 1}
    newer = imported(tmp_path / "release_20170101.xml", plain(2))
    assert newer["counts"] == {"changed": 1, "with_findings": 0}
    assert imported(tmp_path / "release_20161001.xml", plain(9))["counts"] == {"refused": 1}
    assert imported(tmp_path / "release_20161001.xml", plain(2))["counts"] == {"same": 1}
    imported(tmp_path / "a.xml", edition(3, "2019-05-01", 5))
    assert imported(tmp_path / "b.xml", edition(2, "2019-06-01", 4))["counts"] == {"refused": 1}
    assert imported(tmp_path / "release_20160825.xml", plain(2))["counts"] == {"refused": 1}
    assert count() == 5
    imported(tmp_path / "c.xml", edition(4, "2019-07-01", 6))
    assert count() == 6


def test_a_dry_run_records_nothing(tmp_path: Path) -> None:
    told = imported(tmp_path / "g.xml", record(), options=("--dry-run",))
    assert told["counts"] == {"new": 1}
    with seeing(ALL):
        assert not Device.objects.exists() and not Entry.objects.exists()


def test_another_agencys_wrong_identifier_is_kept_and_told(tmp_path: Path) -> None:
    told = imported(tmp_path / "g.xml", record(inside=SECOND))
    assert told["counts"] == {"new": 1, "with_findings": 1}
    with seeing("A"):
        assert [p.di for p in DevicePackage.objects.all()] == ["H373RMT2312163"], (
            "everybody sees the catalogue"
        )


def test_a_hostile_file_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "evil.xml"
    path.write_text('<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/hostname">]><d>&a;</d>', encoding="utf-8")
    done = CliRunner().invoke(device, ["import", str(path)])
    assert done.exit_code != 0 and "file_doctype" in str(done.exception)


def test_a_plant_cannot_write_the_catalogue() -> None:
    answer = plant("device", "set", site="C", fields={"di": DI, "agency": "GS1"})
    assert answer.verdict is Verdict.REJECTED and codes(answer) == []
