"""Locks name versions and hashes, never addresses: whoever installs uses the registry they trust."""

import json
import re
import sys
from pathlib import Path

from tools.fault import ROOT, Fault, report

PINNED = re.compile(r"^([A-Za-z0-9_.-]+)(\[[^\]]*\])?==(\S+)")


def _requirements(path: Path, name: str) -> list[Fault]:
    found = []
    text = path.read_text("utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        if "://" in line or line.startswith(("--", "-i ", "-f ")):
            found.append(Fault(name, number, "an address or option in a lock; run `make lock`"))
    # A requirement and its hashes are one logical line.
    for line in text.replace("\\\n", " ").splitlines():
        if line and not line.lstrip().startswith(("#", "--")):
            pinned = PINNED.match(line)
            if not pinned:
                found.append(Fault(name, 1, f"{line.split()[0]} is not pinned to one version"))
            elif "--hash=sha256:" not in line:
                found.append(Fault(name, 1, f"{pinned.group(1)} has no hash"))
    return found


def _unlocked(root: Path) -> list[Fault]:
    """Names asked for in the .in files that the lock does not hold."""
    found = []
    for kind in ("base", "dev"):
        wanted, lock = root / f"requirements/{kind}.in", root / f"requirements/{kind}.txt"
        if not (wanted.exists() and lock.exists()):
            continue
        held = {PINNED.match(line) for line in lock.read_text("utf-8").splitlines()}
        names = {_plain(match.group(1)) for match in held if match}
        for number, line in enumerate(wanted.read_text("utf-8").splitlines(), 1):
            name = re.match(r"[A-Za-z0-9_.-]+", line)
            if name and not line.startswith(("-", "#")) and _plain(name.group()) not in names:
                text = f"{name.group()} is not in requirements/{kind}.txt; run `make lock`"
                found.append(Fault(f"requirements/{kind}.in", number, text))
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _npm(path: Path, name: str) -> list[Fault]:
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if "://" in line or '"resolved"' in line:
            found.append(Fault(name, number, "an address in a lock; run `make lock`"))
    packages = json.loads(path.read_text("utf-8")).get("packages", {})
    for package, facts in packages.items():
        if package and "integrity" not in facts:
            found.append(Fault(name, 1, f"{package} has no integrity hash"))
    return found


def faults(root: Path) -> list[Fault]:
    """Every address and every missing hash in the locks, and every name that is not locked."""
    found = _unlocked(root)
    for path in sorted((root / "requirements").glob("*.txt")):
        found += _requirements(path, f"requirements/{path.name}")
    lock = root / "package-lock.json"
    return found + (
        _npm(lock, lock.name) if lock.exists() else [Fault(lock.name, 1, "the npm lock is missing")]
    )


if __name__ == "__main__":
    sys.exit(report("locks", faults(ROOT)))
