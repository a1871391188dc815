"""`medloom doctor`: one finding for each thing that has to be right, with what to do when it is not.

Each check is a function of the state folder that returns findings; one that raises becomes a finding too,
so the doctor always comes to the end. It changes nothing.
"""

import os
import shutil
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

from medloom.process import account, binaries, lock, programs, space, tree
from medloom.process.state import State, StateError, external_url

OK, WARN, FAIL = "ok", "warn", "fail"
SPACE_FAIL_BYTES = 256 * 1024 * 1024
SPACE_WARN_BYTES = 2 * 1024**3
RESTARTS_WARN = 3
CLOCK_BACK_S = 300.0
PACKAGES = ("Django", "psycopg", "granian", "msgspec", "orjson", "cryptography")


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is (ok, warn, fail), what was seen, what to do."""

    name: str
    level: str
    message: str
    advice: str = ""


Check = Callable[[State], list[Finding]]


def examine(state: State) -> list[Finding]:
    """Every check, in the order in which things depend on each other."""
    from medloom.process import doctor_database

    checks: list[tuple[str, Check]] = [
        ("python", _python),
        ("programs", _programs),
        ("state", _state),
        ("disk", _disk),
        ("clock", _clock),
        ("processes", _processes),
        ("ports", _ports),
        *doctor_database.CHECKS,
        ("fonts", _fonts),
    ]
    findings: list[Finding] = []
    for name, check in checks:
        try:
            findings += check(state)
        except StateError as error:
            findings.append(Finding(name, FAIL, str(error)))
        except Exception as error:  # the doctor's own fault, or something nobody foresaw: say so and go on
            told = f"this check failed itself: {type(error).__name__}: {error}"
            findings.append(Finding(name, FAIL, told, "please report this with the output of --json"))
    return findings


def _python(state: State) -> list[Finding]:
    told = f"Python {sys.version.split()[0]}"
    if sys.version_info < (3, 11):  # noqa: UP036  (the package may have been put on the path by hand)
        return [Finding("python", FAIL, f"{told} is too old", "use Python 3.11 or newer")]
    missing = []
    for name in PACKAGES:
        try:
            installed(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return [Finding("python", FAIL, f"{told}; missing: {', '.join(missing)}", "install the requirements")]
    return [Finding("python", OK, told)]


def _programs(state: State) -> list[Finding]:
    if external_url():
        return [Finding("programs", OK, "PostgreSQL is an external server")]
    folder = binaries.find()
    owner = account.account(state)
    _, text = binaries.version(folder)
    found = [Finding("programs", OK, f"PostgreSQL {text} in {folder}, run as {owner.name}")]
    if owner.name == "nobody":
        advice = "useradd --system postgres before the first start, or name an account by MEDLOOM_PG_ACCOUNT"
        found = [
            Finding("programs", WARN, f"PostgreSQL {text} runs as nobody, which others may share", advice)
        ]
    return found


def _state(state: State) -> list[Finding]:
    if not state.path.exists():
        message = f"{state.path} does not exist yet"
        return [Finding("state", WARN, message, "`medloom up` makes it; MEDLOOM_STATE names another")]
    found = []
    for path, wanted in [(state.secrets, 0o700), (state.data, 0o700), (state.run, 0o700)] + [
        (secret, 0o600) for secret in _listed(state.secrets)
    ]:
        if not path.exists():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & ~wanted:
            advice = f"chmod {wanted:o} {path}, and change the secret if others have accounts here"
            found.append(Finding("state", FAIL, f"{path} is open to others ({mode:o})", advice))
    if not os.access(state.path, os.W_OK):
        advice = "run this as the user who runs `medloom up`"
        found.append(Finding("state", FAIL, f"{state.path} is not writable for us", advice))
    elif not state.secret("django"):
        found.append(Finding("state", WARN, "no key for sessions yet", "`medloom up` makes it"))
    return found or [Finding("state", OK, str(state.path))]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _disk(state: State) -> list[Finding]:
    place = state.path
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    told = f"{usage.free / 1024**3:.1f} GiB free of {usage.total / 1024**3:.1f} where {place} is"
    advice = "free some space, or move the state folder: stop, copy it, set MEDLOOM_STATE"
    nodes = os.statvfs(place)
    if nodes.f_files and nodes.f_favail < 1000:
        return [Finding("disk", FAIL, f"{told}, but only {nodes.f_favail} more files", advice)]
    if not external_url() and usage.free < space.floor_bytes():
        return [Finding("disk", FAIL, f"{told}: too little, the hub writes nothing", advice)]
    if usage.free < SPACE_FAIL_BYTES:
        return [Finding("disk", FAIL, told, advice)]
    return [
        Finding("disk", WARN, told, advice) if usage.free < SPACE_WARN_BYTES else Finding("disk", OK, told)
    ]


def _clock(state: State) -> list[Finding]:
    newest = 0.0
    for folder in (state.path, state.log, state.secrets):
        newest = max([newest, *(path.stat().st_mtime for path in _listed(folder))])
    behind = newest - time.time()
    told = time.strftime("%Y-%m-%d %H:%M:%S %z")
    if behind > CLOCK_BACK_S:
        message = f"{told}, but files here are {behind / 60:.0f} minutes newer: the clock was set back"
        return [Finding("clock", FAIL, message, "set the clock (timedatectl set-ntp true)")]
    return [Finding("clock", OK, told)]


def _processes(state: State) -> list[Finding]:
    found = tree.told(state)
    if found is None:
        if lock.holder(state.path / "supervisor.lock"):
            return [Finding("processes", OK, "the database runs alone")]
        return [Finding("processes", WARN, "nothing runs", "start it with `medloom up`")]
    findings = []
    for name, one in found["processes"].items():
        advice = f"see {state.log / name}.log"
        if one["halted"]:
            findings.append(Finding("processes", FAIL, f"{name} stopped for good", advice))
        elif not one["running"]:
            findings.append(Finding("processes", FAIL, f"{name} waits to be started again", advice))
        elif one["starts"] > RESTARTS_WARN:
            message = f"{name} runs, after {one['starts']} starts"
            findings.append(Finding("processes", WARN, message, advice))
    names = ", ".join(found["processes"])
    return findings or [Finding("processes", OK, f"running: {names or 'starting'}")]


def _ports(state: State) -> list[Finding]:
    found = tree.told(state)
    if found is None or "port" not in found:
        taken = [str(port) for port in programs.PORTS if not programs.free("127.0.0.1", port)]
        if taken:
            message = f"taken by other programs: {', '.join(taken)}"
            return [
                Finding("ports", WARN, message, "`medloom up` takes the next free one, or name it by --port")
            ]
        return [Finding("ports", OK, "8000 and 8001 are free")]
    findings = []
    for name, port, path in (("web", found["port"], "/"), ("live", found["live_port"], "/live")):
        if name in found["processes"] and not tree.answers(found["host"], port, tls=found["tls"], path=path):
            message = f"{name} does not answer properly on port {port}"
            findings.append(Finding("ports", FAIL, message, f"see {state.log / name}.log"))
    return findings or [Finding("ports", OK, f"{found['url']} answers")]


def _fonts(state: State) -> list[Finding]:
    """Only pictures and documents made on this machine need Chinese fonts; browsers bring their own."""
    places = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts"]
    words = ("cjk", "notosanssc", "wqy", "simsun", "sourcehan", "droidsansfallback", "uming", "ukai")
    for place in places:
        for path in place.rglob("*.[to]t[fc]") if place.is_dir() else []:
            if any(word in path.name.lower().replace("-", "") for word in words):
                return [Finding("fonts", OK, f"Chinese: {path.name}")]
    advice = "only needed to print or photograph pages here; on Debian: apt-get install fonts-noto-cjk"
    return [Finding("fonts", WARN, "no Chinese font found", advice)]
