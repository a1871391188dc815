"""A program with a token that calls the hub's doors, as a third party's system would."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.utils import timezone

from medloom.parties.people import User
from medloom.parties.tokens import SECRET_BYTES, Token, make_token


@dataclass
class Program:
    """One program: its token, and a client that never holds a cookie."""

    token: Token
    text: str
    client: Client = field(default_factory=Client)

    def ask(self, method: str, address: str, body: Any = None, **headers: str) -> Any:
        """One request; header names with _ for -. A body of bytes goes as it is."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = sent.pop("Content-Type", "application/json")
        return self.client.generic(
            method, address, raw, kind, headers={"Authorization": f"Bearer {self.text}", **sent}
        )

    def get(self, address: str, **headers: str) -> Any:
        """GET."""
        return self.ask("GET", address, **headers)

    def post(self, address: str, body: Any = None, **headers: str) -> Any:
        """POST."""
        return self.ask("POST", address, body, **headers)


def program(name: str, *types: str, writes: bool = True, days: int = 30) -> Program:
    """A program of that person."""
    token, text = make_token(
        User.objects.get(username=name),
        name=f"{name}'s program",
        writes=writes,
        types=types,
        days=days,
        secret=secrets.token_bytes(SECRET_BYTES),
        now=timezone.now(),
    )
    return Program(token, text)
