"""Which operating-system account the database runs under, and starting a child under it."""

import ctypes
import os
import pwd
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from medloom.process.state import State, StateError

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork: a child may not open libraries


@dataclass(frozen=True)
class Account:
    """An account with a passwd entry (initdb stops without one)."""

    uid: int
    gid: int
    name: str

    @property
    def popen(self) -> dict[str, Any]:
        """Arguments for subprocess that make the child run as this account; none when we are it."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: os.PathLike[str] | int) -> None:
        """Give the file to the account; an ordinary user's files are its own already."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)


def account(state: State) -> Account:
    """The account for this folder's database: ourselves, or as root one without rights.

    As root: the owner of the data if there is any, else MEDLOOM_PG_ACCOUNT, else postgres, else nobody.
    Raises StateError when that account does not exist or is root.
    """
    if os.geteuid() != 0:
        return _by_uid(os.geteuid())
    if state.data.exists():
        found = _by_uid(state.data.stat().st_uid)
    elif named := os.environ.get("MEDLOOM_PG_ACCOUNT"):
        found = _by_name(named)
    else:
        found = _by_name("postgres" if _exists("postgres") else "nobody")
    if found.uid == 0:
        raise StateError(
            f"PostgreSQL refuses to run as root: give {state.data} to another account (chown -R), "
            "or name one by MEDLOOM_PG_ACCOUNT"
        )
    return found


def _exists(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _by_name(name: str) -> Account:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise StateError(
            f"the account {name} (MEDLOOM_PG_ACCOUNT) does not exist: useradd --system {name}"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, name)


def _by_uid(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise StateError(
            f"user id {uid} has no entry in the passwd file and PostgreSQL's initdb needs one: add one"
        ) from None
    return Account(uid, entry.pw_gid, entry.pw_name)


def die_with_parent(how: signal.Signals) -> Callable[[], None]:
    """For preexec_fn: the kernel sends `how` to the child when the thread that starts it ends.

    Set after the change of user, which clears it; CPython runs preexec_fn last.
    """
    parent = os.getpid()

    def arrange() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(how))
        if os.getppid() != parent:  # it ended between the fork and the line above
            os._exit(1)

    return arrange
