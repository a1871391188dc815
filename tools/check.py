"""Everything that can be checked without a database or a browser, in under a minute: `make check`.

Checks run two at a time; a failing one prints what it found. Usage: python -m tools.check [NAME ...]
"""

import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.fault import ROOT

PYTHON = sys.executable
BIN = Path(PYTHON).parent
#: Processor seconds of all checks: under a minute on two cores that do nothing else.
ALL_CPU_S_MAX = 100.0
ONE_S_MAX = 120


@dataclass(frozen=True)
class Check:
    """One check: its name, what it makes sure of, and its command (exit code 0 = fine)."""

    name: str
    what: str
    command: tuple[str, ...]


def strictly_typed(root: Path) -> list[str]:
    """What mypy reads strictly: wire, kernel, exchange and every room's rules, their tests aside."""
    found = list((root / "src/medloom").glob("*/rules*.py"))
    for name in ("wire", "formats", "formats/epcis", "kernel", "exchange"):
        found += (root / "src/medloom" / name).glob("*.py")
    return [str(p.relative_to(root)) for p in sorted(found)]


def rooms(root: Path) -> list[str]:
    """Every app with models. Named, since Django passes over one that has no migrations folder yet."""
    found = sorted((root / "src/medloom").rglob("models.py"))
    return [path.parent.name for path in found if (path.parent / "apps.py").exists()]


def checks(root: Path) -> list[Check]:
    """The slow ones first, so that two workers finish together."""
    ours = lambda name: (PYTHON, "-m", f"tools.{name}")  # noqa: E731 - a name for three words
    found = [
        Check(
            "types",
            "strict on wire, kernel, exchange and rules",
            (PYTHON, "-m", "mypy", *strictly_typed(root)),
        ),
        Check("pure", "pure tests pass, rules in under 2 s", ours("pure")),
        Check("imports", "imports go down only", (str(BIN / "lint-imports"), "--no-logo")),
        Check(
            "migrations",
            "every model has its migration",
            (PYTHON, "-m", "django", "makemigrations", "--check", "--dry-run", *rooms(root)),
        ),
    ]
    if (root / "src/medloom/derive").exists() or (root / "src/medloom/derive.py").exists():
        what = "api/ is what the models say"
        found.append(Check("api", what, (PYTHON, "-m", "medloom.derive", "--check")))
    return [
        *found,
        Check("format", "ruff format", (PYTHON, "-m", "ruff", "format", "--check", ".")),
        Check("lint", "ruff", (PYTHON, "-m", "ruff", "check", "--quiet", ".")),
        Check("writedoor", "no business write outside append", ours("writedoor")),
        Check("pureness", "no clock or chance in rules, actions, wire", ours("pureness")),
        Check("lengths", "files of 400 lines, functions of 70", ours("lengths")),
        Check("honesty", "no skipped test, no stub", ours("honesty")),
        Check("words", "every text exists in Chinese", ours("words")),
        Check("links", "every link in the documents leads somewhere", ours("links")),
        Check("locks", "hashes, and no addresses", ours("locks")),
        Check("places", "no place of one machine", ours("places")),
    ]


def run(check: Check) -> tuple[Check, int, float, str]:
    """Run one check: itself, exit code, seconds, what it said."""
    env = dict(os.environ, DJANGO_SETTINGS_MODULE="medloom.settings", NO_COLOR="1")
    env["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    start = time.monotonic()
    try:
        done = subprocess.run(
            check.command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=ONE_S_MAX, check=False
        )
        code, said = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        code, said = 1, f"gave no result in {ONE_S_MAX} s"
    return check, code, time.monotonic() - start, said


def main() -> int:
    names = sys.argv[1:]
    chosen = [c for c in checks(ROOT) if not names or c.name in names]
    unknown = set(names) - {c.name for c in chosen}
    if unknown:
        print(f"no check named {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    start, failed = time.monotonic(), []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for check, code, seconds, said in pool.map(run, chosen):
            print(
                f"{'ok  ' if code == 0 else 'FAIL'} {check.name:11s} {seconds:5.1f} s  {check.what}",
                flush=True,
            )
            if code:
                failed.append(check.name)
                print("".join(f"     {line}\n" for line in said.strip().splitlines()[-60:]), flush=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    whole = time.monotonic() - start
    passed = len(chosen) - len(failed)
    print(f"{passed} of {len(chosen)} checks passed in {whole:.0f} s (processor: {cpu:.0f} s)")
    if cpu > ALL_CPU_S_MAX:
        print(f"took more than the {ALL_CPU_S_MAX:.0f} processor seconds it may: keep it under a minute")
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
