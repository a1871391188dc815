"""Put an agent together from its configuration: store, key, machine, transport, sources."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uuid_utils

from medloom.agent.collector import Collector
from medloom.agent.config import AgentConfig, ConfigRefused, DatabaseSource
from medloom.agent.declaration import Mapping as Declared
from medloom.agent.declaration import load_mappings
from medloom.agent.file import DAMAGED, StoreDamaged, StoreUnusable, put_aside
from medloom.agent.following import Follower
from medloom.agent.hints import PATH, Hints
from medloom.agent.keys import ensure_key, ensure_secret
from medloom.agent.notes import NotingStore
from medloom.agent.plant import table_source, watch
from medloom.agent.polling import Polled, wall_clock
from medloom.agent.runtime import Agent
from medloom.agent.sources.choice import listened
from medloom.agent.sources.sql import Database
from medloom.agent.status import STATUS_FILE, waiting, write_status
from medloom.agent.transport import HubTransport, Unreachable
from medloom.agent.trouble import Failing, Troubles
from medloom.wire.sheet import Sheet
from medloom.wire.site import SiteMachine
from medloom.wire.stores import SiteStore

log = structlog.get_logger(__name__)
#: Operations of one push: the next look at control comes after it.
PUSH_OPERATIONS = 300
#: A store of at most this size is read through at every start; a larger one when its pages are needed.
CHECK_BYTES_MAX = 64 * 1024**2
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


def _templates(types: Mapping[str, Any], zone: str) -> Callable[[Any], Any]:
    """The reader of import templates; it needs the declarations, so Django has been started."""
    from medloom.agent.templates import recognise

    return partial(recognise, types=types, zone=zone)


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


def assemble(
    config: AgentConfig, *, store: SiteStore | None = None, stop: Callable[[], bool] = lambda: False
) -> Agent:
    """The agent, enrolled and started, not yet speaking. `stop` ends the wait for a hub that is away.

    Raises ConfigRefused, KeyUnusable, MappingRefused, EnrolmentRefused, StoreUnusable.
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
        agent.watched.append(
            watch(
                Path(folder.path),
                mappings,
                settle_seconds=folder.settle_seconds,
                recognise=_templates(types, config.zone),
            )
        )
    _watch_tables(agent, config, tables, types)
    agent.listened += [listened(source) for source in config.streams]
    _tell_put_aside(agent, state)
    try:
        machine.start()
    except StoreDamaged as error:
        agent.close()
        rebuild(config, why=str(error))
        return assemble(config, stop=stop)
    return agent


def _watch_tables(
    agent: Agent,
    config: AgentConfig,
    tables: list[tuple[DatabaseSource, Declared]],
    types: Mapping[str, Any],
) -> None:
    """Give the agent its tables; one that is written back is followed both ways. Raises ConfigRefused."""
    databases: dict[str, Database] = {}
    for source, mapping in tables:
        address = source.address()
        database = databases.setdefault(address, Database(address))
        polled = Polled(database, mapping, table_source(mapping), source.poll_seconds, source.sweep_seconds)
        if mapping.writes is not None:
            declared = types.get(mapping.writes.type)
            if declared is None:
                raise ConfigRefused(f"{mapping.feed}: no object type {mapping.writes.type!r} to write back")
            polled.follower = Follower(
                agent.store,
                config.site,
                database,
                mapping,
                polled.source,
                declared.sheet,
                declared.fields,
                agent.collector,
                wall=wall_clock(mapping.zone),
                now=now_text,
            )
        agent.polled.append(polled)


def _tables(folder: str) -> list[Declared]:
    return [mapping for mapping in load_mappings(Path(folder)) if mapping.match.table]


def _open_store(config: AgentConfig, sheets: Mapping[str, Sheet]) -> SiteStore:
    """The store; one that is damaged is put aside and made anew: a snapshot and the plant's own rows fill it.

    Raises StoreUnusable for what a person must mend: no room, another agent's, another site's.
    """
    path = Path(config.state) / STORE_FILE
    try:
        return _sound(path, config, sheets)
    except StoreUnusable as error:
        if error.code not in ("damaged", "key_wrong"):
            raise
        rebuild(config, why=str(error))
        return _sound(path, config, sheets)


def rebuild(config: AgentConfig, *, why: str) -> None:
    """Put the closed store aside; the next `assemble` makes it anew."""
    path = Path(config.state) / STORE_FILE
    aside = put_aside(path, stamp=datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f"))
    log.error("store_rebuilt", why=why, aside=aside.name)


def _sound(path: Path, config: AgentConfig, sheets: Mapping[str, Sheet]) -> SiteStore:
    from medloom.agent.store import SqliteSite

    key = ensure_secret(path.with_name(SECRET_FILE))
    small = path.exists() and path.stat().st_size <= CHECK_BYTES_MAX
    store = SqliteSite(path, site=config.site, sheets=sheets, key=key, quota_bytes=config.quota_mib * 1024**2)
    if small and (wrong := store.check()):
        store.close()
        raise StoreUnusable("damaged", "; ".join(wrong)[:500])
    return store


def _tell_put_aside(agent: Agent, state: Path) -> None:
    """An alarm as long as a store that was put aside lies there: somebody looks, and deletes it."""
    found = sorted(each.name for each in state.glob(f"{STORE_FILE}.{DAMAGED}-*"))
    names = [name for name in found if not name.endswith(("-wal", "-shm"))]
    if names:
        agent.trouble.note("store_rebuilt", ", ".join(names), now=agent.clock())


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
