"""The agent's Ed25519 key: made here, kept 0600, never leaving this machine."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class KeyUnusable(Exception):
    """The key file is missing, damaged or readable by others; the message says what to do."""


def load_key(path: Path) -> Ed25519PrivateKey:
    """The key in that file. Raises KeyUnusable."""
    try:
        if path.stat().st_mode & 0o077:
            raise KeyUnusable(f"{path} may be read by others: chmod 600 it, and replace the key")
        raw = path.read_bytes()
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(raw.decode("ascii").strip()))
    except FileNotFoundError as error:
        raise KeyUnusable(f"{path} is missing: enrol this agent with a one-time code") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise KeyUnusable(f"{path} is damaged: enrol this agent again") from error


def ensure_key(path: Path) -> Ed25519PrivateKey:
    """The key in that file, made now if there is none. Raises KeyUnusable."""
    if path.exists():
        return load_key(path)
    key = Ed25519PrivateKey.generate()
    _place(path, key.private_bytes_raw())
    return key


def ensure_secret(path: Path) -> bytes:
    """32 random bytes in that file, made now if there are none: they open the agent's store.

    Raises KeyUnusable.
    """
    if not path.exists():
        _place(path, secrets.token_bytes(32))
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{path} is damaged: delete the agent's store with it and start again") from error
    if len(found) != 32:
        raise KeyUnusable(f"{path} is damaged: delete the agent's store with it and start again")
    return found


def _place(path: Path, raw: bytes) -> None:
    """Write a secret 0600; half of one never counts."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(raw.hex())
        file.flush()
        os.fsync(handle)
    fresh.rename(path)


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes that the hub keeps."""
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
