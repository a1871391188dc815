"""Lock files. A kernel lock ends with its holders, whatever pids, zombies or containers say."""

import fcntl
import os
from pathlib import Path

from medloom.process.state import StateError


class AlreadyRunning(StateError):
    """Another process holds the folder."""


def take(path: Path) -> int | None:
    """The descriptor that holds the lock, or None while another open description holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def take_alone(path: Path, *, what: str, stop: str = "by `medloom stop`") -> int:
    """Hold the lock under our process id, which is only for people to read.

    `stop`: how its holder is stopped, in words.
    Raises AlreadyRunning with one line when another process holds it.
    """
    handle = take(path)
    if handle is None:
        holder = path.read_text(encoding="ascii").strip() or "unknown"
        raise AlreadyRunning(
            f"{what} of {path.parent} runs already (process {holder}): stop it {stop}, "
            "or choose another folder by MEDLOOM_STATE"
        )
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    return handle


def holder(path: Path) -> int | None:
    """The process id written by the holder of `take_alone`, or None when nobody holds the lock."""
    if not path.exists():
        return None
    handle = take(path)
    if handle is not None:
        os.close(handle)
        return None
    told = path.read_text(encoding="ascii").strip()
    return int(told) if told.isdigit() else None
