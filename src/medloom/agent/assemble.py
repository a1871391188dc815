"""Put an agent together from its configuration: store, key, machine, transport, sources."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import uuid_utils

from medloom.agent.collector import Collector
from medloom.agent.config import AgentConfig, ConfigRefused
from medloom.agent.declaration import Mapping as Declared
from medloom.agent.declaration import load_mappings
from medloom.agent.following import Follower
from medloom.agent.hints import PATH, Hints
from medloom.agent.keys import ensure_key, ensure_secret
from medloom.agent.notes import NotingStore
from medloom.agent.plant import Polled, table_source, watch
from medloom.agent.runtime import Agent
from medloom.agent.sources.sql import Database
from medloom.agent.status import STATUS_FILE, waiting, write_status
from medloom.agent.transport import HubTransport, Unreachable
from medloom.agent.trouble import Failing, Troubles
from medloom.wire.sheet import Sheet
from medloom.wire.site import SiteMachine
from medloom.wire.stores import SiteStore

#: Operations of one push: the next look at control comes after it.
PUSH_OPERATIONS = 300
#: Between two tries to enrol: shorter than what `status` takes for a dead agent.
ENROLMENT_SECONDS_MAX = 10.0
KEY_FILE, SECRET_FILE, STORE_FILE, ENROLLED_FILE = "key", "store.key", "store.db", "enrolled"


def _catalogue() -> Mapping[str, Any]:
    """Every declared object type. Starts Django without a database: the declarations are all that is read."""
    import django
    from django.apps import apps

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medloom.settings")
    if not apps.ready:
        django.setup()
    from medloom.kernel.entity import catalogue

    return catalogue()


def canonical_of(types: Mapping[str, Any]) -> Any:
    """A function that gives a value its field's one form; what the field refuses stays as it is."""

    def canonical(type_: str, name: str, value: Any) -> Any:
        declared = types.get(type_)
        field = declared.fields.get(name) if declared is not None else None
        lines = declared.lines.get(name) if declared is not None else None
        if value is None or (field is None and lines is None):
            return value
        try:
            return field.accept(value) if field is not None else lines.canonical(value)
        except ValueError:
            return value

    return canonical


def now_text() -> str:
    """This moment, RFC 3339 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wall_clock(zone: str) -> Callable[[], datetime]:
    """The clock on the plant's wall, as its own programs write it: local time without a zone."""
    place = ZoneInfo(zone)
    return lambda: datetime.now(place).replace(tzinfo=None)


def assemble(
    config: AgentConfig, *, store: SiteStore | None = None, stop: Callable[[], bool] = lambda: False
) -> Agent:
    """The agent, enrolled and started, not yet speaking. `stop` ends the wait for a hub that is away.

    Raises ConfigRefused, KeyUnusable, MappingRefused, EnrolmentRefused.
    """
    state = Path(config.state)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    types = _catalogue()
    sheets: dict[str, Sheet] = {name: declared.sheet for name, declared in types.items()}
    key = ensure_key(state / KEY_FILE)
    inner = store if store is not None else _open_store(config, sheets)
    tables = [(source, mapping) for source in config.databases for mapping in _tables(source.mappings)]
    wanted = frozenset(m.writes.type for _, m in tables if m.writes is not None)
    noting: Any = NotingStore(inner, sheets, site=config.site, wanted=wanted)
    machine = SiteMachine(
        noting, site=config.site, key=key, mint=lambda: secrets.token_hex(16), batch=PUSH_OPERATIONS
    )
    transport = HubTransport(config.hub, site=config.site, key=key, now_s=lambda: int(time.time()))
    _enrol(transport, config, state, stop)
    collector = Collector(
        noting,
        config.site,
        sheets,
        now=now_text,
        mint=lambda: str(uuid_utils.uuid7()),
        canonical=canonical_of(types),
    )
    hints = Hints(lambda token: transport.signed(PATH, b"", token=token))
    agent = Agent(
        noting,
        machine,
        transport,
        collector,
        poll_seconds=config.poll_seconds,
        sleep=hints.wait,
        hints=hints,
        trouble=Troubles.after(config.alarm_after_seconds),
    )
    for folder in config.folders:
        mappings = load_mappings(Path(folder.mappings))
        agent.watched.append(watch(Path(folder.path), mappings, settle_seconds=folder.settle_seconds))
    databases: dict[str, Database] = {}
    for source, mapping in tables:
        address = source.address()
        database = databases.setdefault(address, Database(address))
        polled = Polled(database, mapping, table_source(mapping), source.poll_seconds, source.sweep_seconds)
        if mapping.writes is not None:
            if mapping.writes.type not in sheets:
                raise ConfigRefused(f"{mapping.feed}: no object type {mapping.writes.type!r} to write back")
            polled.follower = Follower(
                noting,
                config.site,
                database,
                mapping,
                polled.source,
                sheets[mapping.writes.type],
                types[mapping.writes.type].fields,
                collector,
                wall=wall_clock(mapping.zone),
                now=now_text,
            )
        agent.polled.append(polled)
    machine.start()
    return agent


def _tables(folder: str) -> list[Declared]:
    return [mapping for mapping in load_mappings(Path(folder)) if mapping.match.table]


def _open_store(config: AgentConfig, sheets: Mapping[str, Sheet]) -> SiteStore:
    from medloom.agent.store import SqliteSite

    state = Path(config.state)
    return SqliteSite(
        state / STORE_FILE,
        site=config.site,
        sheets=sheets,
        key=ensure_secret(state / SECRET_FILE),
        quota_bytes=config.quota_mib * 1024**2,
    )


def _enrol(transport: HubTransport, config: AgentConfig, state: Path, stop: Callable[[], bool]) -> None:
    """Bring the key once, with the one-time code; wait for a hub that is not there yet, and say so."""
    mark, failing = state / ENROLLED_FILE, Failing(lasting_seconds=config.alarm_after_seconds)
    if mark.exists() or not config.enrolment:
        return
    while not stop():
        try:
            transport.enrol(config.enrolment)
        except Unreachable as error:
            until = time.monotonic() + min(failing.failed(error, now=time.monotonic()), ENROLMENT_SECONDS_MAX)
            write_status(state / STATUS_FILE, waiting(config.site, failing, now=time.monotonic()))
            while time.monotonic() < until and not stop():
                time.sleep(0.1)
            continue
        mark.write_text(config.site, encoding="ascii")
        return
