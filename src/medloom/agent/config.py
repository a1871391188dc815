"""What an agent is told at its start: who it is, where its hub is, and what of the plant it reads."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


class ConfigRefused(Exception):
    """The agent's configuration cannot be used; the message names the place and what it should hold."""


class FolderSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A watched folder and the folder of its mappings."""

    path: str
    mappings: str
    settle_seconds: float = 2.0


class DatabaseSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A database and the folder of its mappings. `url_env` names a variable that holds the address."""

    mappings: str
    url: str = ""
    url_env: str = ""
    poll_seconds: float = 1.0
    sweep_seconds: float = 300.0

    def address(self) -> str:
        """The SQLAlchemy URL. Raises ConfigRefused."""
        found = os.environ.get(self.url_env, "") if self.url_env else self.url
        if not found:
            raise ConfigRefused(f"databases.url: neither a url nor the variable {self.url_env!r} holds one")
        return found


class StreamSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A machine's stream and its mapping.

    kind      shdr: an MTConnect adapter over TCP; log: a folder of adapter log files; mqtt: a broker;
              opcua: an OPC UA server
    address   host:port | folder | mqtt://host:port | opc.tcp://host:port
    mapping   the mapping file; its section `stream` says what the data items mean
    files     for `log`: which files of the folder
    topic     for `mqtt`: what is subscribed, for example plant/Hurco04/#
    order_seconds  for `mqtt`: how long the broker waits before it gives an unanswered message again
    nodes     for `opcua`: node id -> data item
    user_env, password_env   variables that hold a login, where one is asked for
    """

    kind: Literal["shdr", "log", "mqtt", "opcua"]
    address: str
    mapping: str
    files: str = "*.txt"
    topic: str = ""
    order_seconds: float = 35.0
    nodes: dict[str, str] = {}
    user_env: str = ""
    password_env: str = ""


class AgentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One agent of one site for one hub. Paths are relative to the file.

    state     folder of its store and key
    enrolment one-time code, used when there is no key yet
    alarm_after_seconds  how long the hub must have failed before a person is told
    zone      the plant's time zone (IANA), for import templates; a mapping names its own
    quota_mib what its store may take at most; it warns at 70 %, edits wait at 90 %, observations at 98 %
    """

    site: str
    hub: str
    state: str
    folders: tuple[FolderSource, ...] = ()
    databases: tuple[DatabaseSource, ...] = ()
    streams: tuple[StreamSource, ...] = ()
    enrolment: str = ""
    zone: str = "UTC"
    poll_seconds: float = 1.0
    credits_rows: int = 500
    alarm_after_seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 60.0
    quota_mib: Annotated[int, msgspec.Meta(ge=1, le=1_048_576)] = 8_192


def load_config(path: Path) -> AgentConfig:
    """The configuration in that file, with its paths made absolute. Raises ConfigRefused."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = YAML(typ="safe", pure=True).load(io.StringIO(text))
        config = msgspec.convert(tree, AgentConfig)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRefused(f"{path}: {error}") from error
    except (YAMLError, msgspec.ValidationError) as error:
        raise ConfigRefused(f"{path.name}: {error}"[:500]) from error
    here = path.resolve().parent
    folders = tuple(
        msgspec.structs.replace(f, path=str(here / f.path), mappings=str(here / f.mappings))
        for f in config.folders
    )
    databases = tuple(msgspec.structs.replace(d, mappings=str(here / d.mappings)) for d in config.databases)
    streams = tuple(
        msgspec.structs.replace(
            s, mapping=str(here / s.mapping), address=str(here / s.address) if s.kind == "log" else s.address
        )
        for s in config.streams
    )
    return msgspec.structs.replace(
        config, state=str(here / config.state), folders=folders, databases=databases, streams=streams
    )
