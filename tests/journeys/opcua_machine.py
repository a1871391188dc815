"""A machine's OPC UA server as a process: says `ready`, then takes lines `NAME VALUE` and answers each.

python -m tests.journeys.opcua_machine ADDRESS NAME=FIRST...

A value `single:0.1` is a number of 32 bits; `ago:3600:7` was told by a machine whose clock is an hour behind.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from typing import Any

from asyncua import Server, ua

NAMESPACE = "urn:test:machine"


def value_of(text: str) -> Any:
    """True, a whole number, a number or a text; see above for the two others."""
    if text.startswith("single:"):
        return ua.Variant(float(text.removeprefix("single:")), ua.VariantType.Float)
    if text.startswith("ago:"):
        seconds, _, rest = text.removeprefix("ago:").partition(":")
        at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=int(seconds))
        return ua.DataValue(ua.Variant(float(rest), ua.VariantType.Double), SourceTimestamp=at)
    if text in ("true", "false"):
        return text == "true"
    if text.isdigit():
        return ua.Variant(int(text), ua.VariantType.Int32)
    try:
        return float(text)
    except ValueError:
        return text


async def serve(address: str, first: list[str]) -> None:
    """Serve until the end of the input."""
    server = Server()
    await server.init()
    server.set_endpoint(address)
    place = await server.register_namespace(NAMESPACE)
    machine = await server.nodes.objects.add_object(place, "IMM")
    nodes = {}
    for name, text in (each.split("=", 1) for each in first):
        nodes[name] = await machine.add_variable(ua.NodeId(name, place), name, value_of(text))
    async with server:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
            name, _, text = line.strip().partition(" ")
            await nodes[name].write_value(value_of(text))
            await asyncio.sleep(0.25)  # longer than the sampling period: each value is heard
            sys.stdout.write("told\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2:]))
