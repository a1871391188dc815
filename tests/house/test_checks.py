"""Each of our own checks finds the fault it is there for, and leaves what is right alone."""

import json
import socket
import warnings
from pathlib import Path

import pytest
from pytest_socket import SocketBlockedError

from tools import fault, honesty, lengths, links, locks, places, pure, pureness, words, writedoor

pytestmark = pytest.mark.files


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "line",
    [
        "Lot.objects.create(key='1')",
        "Lot.objects.filter(key='1').update(state='x')",
        "Lot.objects.all().delete()",
        "Lot.objects.get(key='1').delete()",
        "lot.save()",
        "Lot.objects.bulk_create(lots)",
        "Lot.objects.bulk_update(lots, ['state'])",
        "Lot.objects.get_or_create(key='1')",
        "Lot.objects.update_or_create(key='1')",
        "await lot.asave()",
        "cursor.execute('insert into lot values (1)')",
        "cursor.execute('UPDATE lot SET state = %s', [1])",
        "cursor.execute(f'update {table} as l set state = 1')",
        "cursor.execute(f'delete from {table}')",
        "cursor.execute('truncate lot')",
        "cursor.execute('merge into lot using x on true')",
        "cursor.copy('copy lot (num, key) from stdin')",
        "cursor.copy(f'COPY {table} FROM STDIN (FORMAT BINARY)')",
    ],
)
def test_a_write_past_the_door_is_found(tmp_path: Path, line: str) -> None:
    write(
        tmp_path,
        "src/medloom/materials/actions.py",
        f"async def act(lot, lots, cursor, table):\n    {line}\n",
    )
    assert [f.line for f in writedoor.faults(tmp_path)] == [2]


@pytest.mark.parametrize(
    "line",
    [
        "seen.update({'a': 1})",
        "digest.update(b'x')",
        "options.get('x').update(y=1)",
        "return Lot.objects.filter(key='1')",
        "return 'copy the row from the plant'",
        "return cursor.execute('select num from lot for update')",
    ],
)
def test_what_only_looks_like_a_write_is_left_alone(tmp_path: Path, line: str) -> None:
    write(
        tmp_path, "src/medloom/materials/queries.py", f"def ask(seen, digest, options, cursor):\n    {line}\n"
    )
    assert writedoor.faults(tmp_path) == []


def test_the_door_itself_tests_and_migrations_may_write(tmp_path: Path) -> None:
    for name in (
        "kernel/ledger.py",
        "materials/tests/test_x.py",
        "materials/migrations/0001_x.py",
        "agent/x.py",
    ):
        write(tmp_path, f"src/medloom/{name}", "cursor.execute('insert into lot values (1)')\n")
    assert writedoor.faults(tmp_path) == []


def test_only_functions_handed_to_append_as_effects_may_write(tmp_path: Path) -> None:
    write(
        tmp_path,
        "src/medloom/hub.py",
        "from medloom.materials import queries\nEFFECTS = {'move': queries.post}\n",
    )
    body = "(c):\n    c.execute('update stock set quantity = 1')\n\n\n"
    call = "(c):\n    _part(c)\n\n\n"
    text = f"def sneak{body}def post{call}def _part{body}"
    write(tmp_path, "src/medloom/materials/queries.py", text)
    assert [f.line for f in writedoor.faults(tmp_path)] == [2]


def test_a_docstring_may_speak_of_sql(tmp_path: Path) -> None:
    write(tmp_path, "src/medloom/materials/queries.py", '"""We never delete from a table."""\n')
    assert writedoor.faults(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wire/x.py", "import django\n"),
        ("wire/x.py", "import os\n"),
        ("lots/rules.py", "import datetime\nAT = datetime.datetime.now()\n"),
        ("lots/rules.py", "from django.db import connection\n"),
        ("lots/rules.py", "def f(m):\n    return m.objects\n"),
        ("lots/rules.py", "from medloom.lots.queries import x\n"),
        ("lots/rules.py", "T = open('x')\n"),
        ("lots/reactions.py", "import uuid\nI = uuid.uuid4()\n"),
        ("lots/actions.py", "import time\nT = time.time()\n"),
        ("lots/actions.py", "import random\n"),
        ("lots/actions.py", "from django.utils import timezone\nT = timezone.now()\n"),
    ],
)
def test_clock_chance_and_outside_are_found_where_code_is_pure(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, f"src/medloom/{name}", text)
    assert len(pureness.faults(tmp_path)) == 1


def test_an_action_may_ask_the_database_and_a_view_the_clock(tmp_path: Path) -> None:
    write(tmp_path, "src/medloom/lots/actions.py", "from medloom.lots import queries\n")
    write(tmp_path, "src/medloom/interfaces/views.py", "import time\nT = time.time()\n")
    assert pureness.faults(tmp_path) == []


def test_long_files_and_functions_are_found(tmp_path: Path) -> None:
    write(tmp_path, "src/long.py", "x = 1\n" * 401)
    write(tmp_path, "src/page.html", "<p>\n" * 401)
    write(tmp_path, "src/deep.py", "def f():\n" + "    x = 1\n" * 70)
    write(tmp_path, "src/fine.py", "def f():\n" + "    x = 1\n" * 69)
    write(tmp_path, "src/lots/migrations/0001_x.py", "x = 1\n" * 401)
    assert sorted(f.path for f in lengths.faults(tmp_path)) == ["src/deep.py", "src/long.py", "src/page.html"]


@pytest.mark.parametrize(
    "text",
    [
        "import pytest\n@pytest.mark.skip\ndef test_x():\n    assert f()\n",
        "import pytest\n@pytest.mark.xfail(reason='x')\ndef test_x():\n    assert f()\n",
        "import pytest\nx = pytest.importorskip('y')\n",
        "def f():\n    assert True\n",
        "class A(metaclass=B):\n    pass\n",
        "from django.dispatch import receiver\n",
        "from django.db.models.signals import post_save\n",
        "import pytest\npytestmark = pytest.mark.pure\ndef test_x():\n    f()\n",
        "def test_x():\n    assert f()\n",
        "x = 1  # TO" + "DO later\n",
    ],
)
def test_what_the_house_refuses_is_found(tmp_path: Path, text: str) -> None:
    write(tmp_path, "src/x.py", text)
    assert len({f.text for f in honesty.faults(tmp_path) if "mark the tests" not in f.text}) == (
        0 if text.startswith("def test_x") else 1
    )
    assert honesty.faults(tmp_path) != []


def test_a_test_may_leave_the_assertion_to_a_function_of_its_file(tmp_path: Path) -> None:
    text = "MARK = m.mark.pure\ndef look(x):\n    {}\ndef test_x():\n    look(1)\n"
    write(tmp_path, "src/x.py", text.format("assert x"))
    assert honesty.faults(tmp_path) == []
    write(tmp_path, "src/x.py", text.format("print(x)"))
    assert [f.text for f in honesty.faults(tmp_path)] == ["test_x asserts nothing"]


def test_a_vague_file_name_is_found(tmp_path: Path) -> None:
    write(tmp_path, "src/utils.py", "x = 1\n")
    assert [f.path for f in honesty.faults(tmp_path)] == ["src/utils.py"]


@pytest.mark.parametrize(
    "text",
    [
        "--index-url https://example.org/simple\nx==1 --hash=sha256:00\n",
        "--find-links /srv\n",
        "x==1\n",
        "x>=1 --hash=sha256:00\n",
        "x @ https://example.org/x.whl --hash=sha256:00\n",
    ],
)
def test_an_address_or_a_missing_hash_in_the_python_lock_is_found(tmp_path: Path, text: str) -> None:
    write(tmp_path, "package-lock.json", '{"packages": {}}')
    write(tmp_path, "requirements/base.txt", text)
    assert locks.faults(tmp_path) != []


def test_a_name_that_was_not_locked_is_found(tmp_path: Path) -> None:
    write(tmp_path, "package-lock.json", '{"packages": {}}')
    write(tmp_path, "requirements/base.txt", "some-thing==1 \\\n    --hash=sha256:00\n")
    write(tmp_path, "requirements/base.in", "Some.Thing\n")
    assert locks.faults(tmp_path) == []
    write(tmp_path, "requirements/base.in", "some_thing\nother\n")
    assert [f.line for f in locks.faults(tmp_path)] == [2]


def test_an_address_or_a_missing_hash_in_the_npm_lock_is_found(tmp_path: Path) -> None:
    assert locks.faults(tmp_path) != []  # no lock at all
    fine = {"": {}, "node_modules/x": {"version": "1", "integrity": "sha512-x"}}
    lock = write(tmp_path, "package-lock.json", json.dumps({"packages": fine}, indent=1))
    assert locks.faults(tmp_path) == []
    fine["node_modules/x"]["resolved"] = "https://example.org/x.tgz"
    lock.write_text(json.dumps({"packages": fine}, indent=1))
    assert locks.faults(tmp_path) != []
    lock.write_text(json.dumps({"packages": {"node_modules/x": {"version": "1"}}}))
    assert locks.faults(tmp_path) != []


@pytest.mark.parametrize("place", ["wo" + "rk/x", "ro" + "ot/.config", "ho" + "me/ann/x", "tm" + "p/case/x"])
def test_a_place_on_one_machine_is_found(tmp_path: Path, place: str) -> None:
    write(tmp_path, "docs/x.md", f"see `/{place}`\n")
    assert len(places.faults(tmp_path)) == 1


def test_a_registry_host_is_found_and_a_relative_folder_is_not(tmp_path: Path) -> None:
    write(tmp_path, "README.md", "../shared/data, ~/work/x, https://example.org/work/x, src/home/x\n")
    assert places.faults(tmp_path) == []
    write(tmp_path, "README.md", "https://py" + "pi.org/simple\n")
    assert len(places.faults(tmp_path)) == 1


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    write(tmp_path, "docs/b.md", "# The `one` idea\n")
    write(
        tmp_path, "a.md", "[b](docs/b.md) [c](docs/b.md#the-one-idea) [d](https://example.org/x) [e](docs)\n"
    )
    assert links.faults(tmp_path) == []
    write(tmp_path, "a.md", "[b](docs/x.md)\n![c](p.png)\n[d](docs/b.md#other)\n```\n[e](f.md)\n```\n")
    assert [f.line for f in links.faults(tmp_path)] == [1, 2, 3]


def test_slow_rules_are_found(tmp_path: Path) -> None:
    case = '<testcase classname="medloom.lots.tests.test_{}"><property name="cpu_s" value="{}"/></testcase>'
    cases = [case.format(*facts) for facts in (("rules", 1.2), ("rules_of_moves", 0.9), ("page", 9))]
    xml = f"<suite>{''.join(cases)}</suite>"
    rules, whole, count = pure.times(write(tmp_path, "x.xml", xml))
    assert (round(rules, 3), round(whole, 3), count) == (2.1, 11.1, 3)
    assert len(pure.too_slow(rules, whole)) == 1
    assert len(pure.too_slow(0.1, 26)) == 1
    assert pure.too_slow(1.9, 24) == []


def test_made_folders_are_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path, "env/pyvenv.cfg", "")
    for name in ("env/lib/x.py", "node_modules/x.py", "a/static/vendor/x.py", "b/x.py"):
        write(tmp_path, name, "")
    assert [fault.named(p, tmp_path) for p in fault.files(tmp_path, ".py")] == ["b/x.py"]


def test_texts_of_code_and_templates_without_chinese_are_found(tmp_path: Path) -> None:
    write(tmp_path, "src/medloom/x.py", "A = _('Lot')\nB = ngettext('%d row', '%d rows', 2)\n")
    html = "{% load i18n %}{% translate 'Hold' %}{% blocktranslate %}at {{ site }}{% endblocktranslate %}"
    write(tmp_path, "src/medloom/x.html", html)
    assert len(words.faults(tmp_path)) == 4
    assert words.write(tmp_path) == (4, 0)
    assert len(words.faults(tmp_path)) == 4  # added, not translated
    path = tmp_path / words.CATALOGUE
    chinese = {"Lot": "批次", "Hold": "冻结", "at %(site)s": "在 %(site)s", "%d row": "%d 行"}
    text = path.read_text("utf-8")
    for english, word in chinese.items():
        for field in ("msgstr", "msgstr[0]"):
            text = text.replace(f'"{english}"\n{field} ""', f'"{english}"\n{field} "{word}"')
    path.write_text(text.replace('msgstr[0] ""', 'msgstr[0] "%d 行"'), "utf-8")
    assert words.faults(tmp_path) == []
    path.write_text(path.read_text("utf-8").replace("在 %(site)s", "在"), "utf-8")
    assert ["holes" in f.text for f in words.faults(tmp_path)] == [True]
    write(tmp_path, "src/medloom/x.py", "A = _('Lot')\n")
    assert words.write(tmp_path) == (0, 1)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_a_pure_test_opens_no_socket(family: int) -> None:
    with warnings.catch_warnings(), pytest.raises(SocketBlockedError):
        warnings.simplefilter("ignore")  # the block also warns, which would end this test one step too early
        socket.socket(family)
