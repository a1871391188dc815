"""A client process: sends prepared pushes one after another and says what came back.

    python -m bench.pusher PORT FILE

FILE holds pairs of headers and body (MessagePack). Waits for a line on its input, so that two clients start
together; prints one line of JSON: seconds in all, milliseconds of each, verdicts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import msgspec

from bench.agent import PUSH
from medloom.wire.messages import Answers

#: Say why something was refused; for finding a mistake in a workload.
TELL = bool(os.environ.get("MEDLOOM_BENCH_TELL"))
Request = tuple[dict[str, str], bytes]


def send(
    client: httpx.Client, requests: list[tuple[dict[str, str], bytes]]
) -> tuple[list[float], Counter[str]]:
    """Milliseconds of each request, and verdicts; anything but an Answers ends the benchmark."""
    times, replies = [], []
    for headers, body in requests:
        began = time.perf_counter()
        reply = client.post(PUSH, content=body, headers=headers)
        times.append((time.perf_counter() - began) * 1e3)
        replies.append(reply)
    verdicts: Counter[str] = Counter()
    for reply in replies:
        if reply.status_code != 200 or reply.headers["Medloom-Message"] != "Answers":
            raise AssertionError(f"a push was answered {reply.status_code} {reply.text[:300]}")
        for answer in msgspec.json.decode(reply.content, type=Answers).answers:
            why = f" {answer.refusal.code} {answer.refusal.path}" if answer.refusal and TELL else ""
            verdicts[("repeated " if answer.repeated else "") + answer.verdict + why] += 1
    return times, verdicts


def main() -> None:
    """Run as a process."""
    port, place = int(sys.argv[1]), Path(sys.argv[2])
    requests = msgspec.msgpack.decode(place.read_bytes(), type=list[Request])
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.perf_counter()
        times, verdicts = send(client, requests)
        print(
            json.dumps({"seconds": time.perf_counter() - began, "ms": times, "verdicts": verdicts}),
            flush=True,
        )


if __name__ == "__main__":
    main()
