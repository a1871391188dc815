"""The live source that a configuration names."""

from __future__ import annotations

import os
import time
from pathlib import Path

import uuid_utils

from medloom.agent.config import ConfigRefused, StreamSource
from medloom.agent.declaration import load_mapping
from medloom.agent.listening import Listened
from medloom.agent.sources.adapter import Adapter
from medloom.agent.sources.live import LiveSource
from medloom.agent.sources.logs import LogFolder


def listened(source: StreamSource) -> Listened:
    """The stream with its mapping, not yet connected. Raises ConfigRefused, MappingRefused."""
    mapping = load_mapping(Path(source.mapping))
    if mapping.stream is None:
        raise ConfigRefused(f"streams.mapping: {Path(source.mapping).name} has no section `stream`")
    return Listened(_source(source, mapping.stream.conditions, mapping.feed), mapping)


def _source(source: StreamSource, conditions: frozenset[str], feed: str) -> LiveSource:
    if source.kind == "log":
        return LogFolder(Path(source.address), source.files, conditions)
    if source.kind == "mqtt":
        from medloom.agent.sources.broker import Broker

        login = (os.environ.get(source.user_env, ""), os.environ.get(source.password_env, ""))
        client, order = f"medloom-{feed}", source.order_seconds
        return Broker(source.address, topic=source.topic, client=client, login=login, order_seconds=order)
    if source.kind == "opcua":
        try:
            from medloom.agent.sources.opcua import OpcUa
        except ImportError as error:
            raise ConfigRefused(
                "streams.kind: opcua needs the extra `opcua` (pip install medloom[opcua])"
            ) from error
        return OpcUa(source.address, nodes=source.nodes, session=lambda: str(uuid_utils.uuid7()))
    if not source.address.rpartition(":")[2].isdigit():
        raise ConfigRefused(f"streams.address: expected host:port, found {source.address!r}")
    return Adapter(
        source.address, conditions=conditions, clock=time.monotonic, session=lambda: str(uuid_utils.uuid7())
    )
