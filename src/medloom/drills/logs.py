"""Case 56: log lines forged, secrets in logs. A real hub and agent, used well and badly, and then read.

People log in with right and wrong passwords, agents enrol with right and wrong codes, sign well and badly,
and send names with line breaks and terminal commands. Afterwards every log is searched for every secret that
was used or made, and for lines that something from outside has begun.
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx

from medloom.drills.room import _enrolled, _Hub, _hub
from medloom.drills.store import Plant as AgentProcess
from medloom.drills.store import _until

FORGED = "FORGED 2026-11-23T08:00:00+0800 INFO medloom all is well"
#: What begins a line of its own, clears a terminal, or turns the reading round.
TAIL = f"x\n{FORGED}\r\n{FORGED}\x1b[2J\u202e\u2028{FORGED}"
SECRET_CHARACTERS_MIN = 12
MAPPING = """
feed: drill
match: {files: ["*.csv"]}
records:
  - type: item
    kind: set
    key: [number]
    fields: {number: {column: number, as: code, required: true}}
"""


@dataclass(frozen=True)
class Logs:
    """What was found. `leaked`: names of secrets in a log; `forged`: lines begun from outside."""

    secrets: int
    files: int
    lines: int
    quoted: int
    leaked: tuple[str, ...]
    forged: int
    seconds: float

    @property
    def survived(self) -> bool:
        """No secret, no forged line; and there was something to forge with: the text is quoted somewhere."""
        return not self.leaked and not self.forged and self.secrets > 10 and self.quoted > 0


def run_case56(seed: int) -> Logs:
    """Use a hub and an agent, well and badly, and read their logs."""
    began = time.monotonic()
    with _hub(seed) as hub:
        used = {"password": secrets.token_urlsafe(18), "wrong password": secrets.token_urlsafe(18)}
        plant = _enrolled(hub)
        used |= {"session": plant.token, "plant key": plant.key.private_bytes_raw().hex()}
        used |= _people(hub, used["password"], used["wrong password"])
        wrong = {"site": f"B{TAIL}", "code": secrets.token_urlsafe(24), "key": secrets.token_hex(32)}
        used["wrong code"] = wrong["code"]
        httpx.post(f"{hub.url}/sync/enrol", content=json.dumps(wrong))
        httpx.post(
            f"{hub.url}/sync/hello", content=TAIL.encode(), headers={"Signature": "x", "Signature-Input": "y"}
        )
        httpx.get(f"{hub.url}/o/{quote(TAIL)}/?token={used['wrong code']}")
        raws = [plant.operation("lot", {"number": TAIL}), b'{"id":NaN}']
        assert plant.push([*raws, TAIL.partition("\n")[0].encode()]).status == 200
        used |= _agent(hub)
        used |= {f"hub: {path.name}": path.read_text().strip() for path in (hub.place / "secrets").iterdir()}
        time.sleep(1.0)
        texts = [path.read_bytes() for path in (hub.place / "log").glob("*")]
        texts += [path.read_bytes() for path in hub.folder.glob("*.log")]
    found = b"\n".join(texts)
    known = {name: text for name, text in used.items() if len(text) >= SECRET_CHARACTERS_MIN}
    return Logs(
        secrets=len(known),
        files=len(texts),
        lines=found.count(b"\n"),
        quoted=found.count(b"FORGED"),
        leaked=tuple(sorted(name for name, text in known.items() if text.encode() in found)),
        forged=len(re.findall(rb"(?m)^\s*FORGED|\x1b\[2J|\xe2\x80\xae|\r", found)),
        seconds=round(time.monotonic() - began, 1),
    )


def _people(hub: _Hub, right: str, wrong: str) -> dict[str, str]:
    """Log in: a name that is a log line, a wrong password, the right one; then a page that is not there."""
    subprocess.run(
        [sys.executable, "-P", "-m", "medloom", "user", "add", "drill", "--site", "HQ", "--role", "it"],
        env=hub.environment(hub.place), input=f"{right}\n{right}\n",
        text=True, capture_output=True, check=True,
    )  # fmt: skip
    with httpx.Client(base_url=hub.url) as client:
        for name, password in ((TAIL, wrong), ("drill", wrong), ("drill", right)):
            page = client.get("/login/").text
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
            assert token is not None, page[:500]
            form = {"csrfmiddlewaretoken": token[1], "username": name, "password": password}
            client.post("/login/", data=form)
        assert client.get("/").status_code == 200, "the right password opens the pages"
        client.get("/o/lot/" + quote(TAIL, safe=""))
        return {
            f"cookie {name}": value for name, value in client.cookies.items() if name != "django_language"
        }


def _agent(hub: _Hub) -> dict[str, str]:
    """An agent with its own code and keys reads files whose names are log lines."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "medloom", "enrol", "L1", "--ahead", "--json"],
        env=hub.environment(hub.place), capture_output=True, text=True, check=True,
    )  # fmt: skip
    code = json.loads(done.stdout)["code"]
    for name in ("mappings", "files"):
        (hub.folder / name).mkdir()
    (hub.folder / "mappings" / "drill.yaml").write_text(MAPPING, encoding="utf-8")
    config = {
        "site": "L1", "hub": hub.url, "state": "agent", "enrolment": code, "poll_seconds": 0.2,
        "folders": [{"path": "files", "mappings": "mappings", "settle_seconds": 0.0}],
    }  # fmt: skip
    (hub.folder / "agent.yaml").write_text(json.dumps(config), encoding="utf-8")
    name = TAIL.replace("/", "-")
    (hub.folder / "files" / f"{name}.csv").write_text("number\nA1\n" + f'"{TAIL}"\n', encoding="utf-8")
    (hub.folder / "files" / f"{name}2.csv").write_bytes(b"\x81\xff\xff\x00")
    agent = _Agent(hub.folder, hub.folder / "agent.yaml")
    try:
        agent.start()
        _until(lambda: agent.told().get("whole") and not agent.told().get("queued", 1), "the agent tells")
        time.sleep(2.0)
    finally:
        agent.stop()
    kept = {
        f"agent: {path.name}": path.read_bytes()
        for path in (hub.folder / "agent").glob("*")
        if path.is_file()
    }
    found = {"code": code}
    for name, raw in kept.items():
        if len(raw) <= 200 and not name.endswith(".json"):
            found[name] = raw.decode("ascii", "replace").strip()
    return found


class _Agent(AgentProcess):
    """The agent's state lies in a folder of its own here."""

    @property
    def state(self) -> Path:
        return self.folder / "agent"
