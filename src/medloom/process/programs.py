"""The processes of `medloom up`, as a table, and the ports they listen on."""

import os
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from medloom.process.state import StateError

PORTS = (8000, 8001)  # pages and live push, unless told otherwise
PORTS_TRIED = 50
WEB_THREADS = 4  # of each web process; each holds one database connection
HEADER_TIMEOUT_MS = 10_000  # a sender that trickles its headers loses its place
WORKER_STOP_S = 3


@dataclass(frozen=True)
class Options:
    """How to listen. Ports are already chosen (`choose_ports`)."""

    host: str = "127.0.0.1"
    port: int = PORTS[0]
    live_port: int = PORTS[1]
    web_workers: int = 2
    certificate: str = ""
    key: str = ""
    only: frozenset[str] = frozenset()

    @property
    def url(self) -> str:
        """Address of the pages, for a person to open."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}/"

    def arguments(self) -> list[str]:
        """The same options as arguments of `medloom up`."""
        found = ["--host", self.host, "--port", str(self.port), "--live-port", str(self.live_port)]
        found += ["--web-workers", str(self.web_workers)]
        if self.certificate:
            found += ["--certificate", self.certificate, "--key", self.key]
        for name in sorted(self.only):
            found += ["--only", name]
        return found


@dataclass(frozen=True)
class Program:
    """One process: its name, its command, and what its environment adds."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def _module(name: str) -> tuple[str, ...]:
    """Run `main()` of a module, with Django's models at hand."""
    return (sys.executable, "-P", "-c", f"import django; django.setup(); from {name} import main; main()")


def _granian(options: Options, interface: str, target: str, port: int, *more: str) -> tuple[str, ...]:
    """granian starts a dead worker again; when one dies twice granian ends, and we start granian again."""
    found = [sys.executable, "-P", "-m", "granian", "--interface", interface, "--host", options.host]
    found += ["--port", str(port), "--respawn-failed-workers", "--no-ws", "--log-level", "warning"]
    found += ["--workers-kill-timeout", str(WORKER_STOP_S)]
    found += ["--http1-header-read-timeout", str(HEADER_TIMEOUT_MS), *more]
    if options.certificate:
        found += ["--ssl-certificate", options.certificate, "--ssl-keyfile", options.key]
        found += ["--ssl-protocol-min", "tls1.3"]
    return (*found, target)


# name -> the module it needs; a part that is not built is not started, and `status` does not list it
MODULES = {
    "web": "medloom.rsgi",
    "live": "medloom.asgi",
    "worker": "medloom.worker",
    "sequencer": "medloom.exchange.sequencer",
}
NAMES = ("database", *MODULES)


def programs(options: Options) -> list[Program]:
    """The processes to start, in the order in which they stop last to first."""
    workers = ("--workers", str(options.web_workers))
    commands = {
        "sequencer": _module("medloom.exchange.sequencer"),
        "worker": _module("medloom.worker"),
        "live": _granian(options, "asginl", "medloom.asgi:application", options.live_port),
        "web": _granian(options, "rsgi", "medloom.rsgi:front", options.port, *workers),
    }
    # Part of every process's environment, so that each knows where the others listen.
    common = {"MEDLOOM_PORT": str(options.port), "MEDLOOM_LIVE_PORT": str(options.live_port)}
    common["DJANGO_SETTINGS_MODULE"] = "medloom.settings"
    common["MEDLOOM_HOSTS"] = os.environ.get("MEDLOOM_HOSTS") or ",".join(names(options.host))
    if options.certificate:
        common["MEDLOOM_TLS"] = "1"
    return [
        Program(name, argv, common | {"MEDLOOM_PROCESS": f"medloom {name}"})
        for name, argv in commands.items()
        if find_spec(MODULES[name]) and (not options.only or name in options.only)
    ]


def names(host: str) -> list[str]:
    """The names under which pages may be asked for when MEDLOOM_HOSTS does not say."""
    found = ["localhost", "127.0.0.1", "[::1]"]
    if host in ("0.0.0.0", "::"):  # noqa: S104
        return [*found, socket.gethostname(), socket.getfqdn()]
    return list(dict.fromkeys([*found, f"[{host}]" if ":" in host else host]))


def free(host: str, port: int) -> bool:
    """Whether we could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


#: Ports this process keeps from other Medlooms until it ends.
_kept: dict[tuple[str, int], socket.socket] = {}


def keep(host: str, port: int) -> bool:
    """Keep a free port from every other Medloom of this machine until this process ends.

    False when it is not free or another keeps it. Seconds pass between choosing a port and listening there,
    and our web server shares its port with whoever asks for it in the same way (SO_REUSEPORT): two hubs that
    chose at once would both listen, and each agent's requests would reach now the one and now the other.
    Only a name in Linux's abstract namespace is needed; it ends with the process, however that ends.
    """
    if (host, port) not in _kept and sys.platform == "linux":
        name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            name.bind(f"\0medloom/port/{host}/{port}")
        except OSError:
            name.close()
            return False
        _kept[host, port] = name
    if free(host, port):
        return True
    if (host, port) in _kept:
        _kept.pop((host, port)).close()
    return False


def choose_ports(host: str, port: int | None, live_port: int | None) -> tuple[int, int]:
    """The two ports: those asked for, else the usual ones, else the next that are free. They are kept.

    Raises StateError when a port that was asked for is taken.
    """
    for name, asked in (("--port", port), ("--live-port", live_port)):
        if asked and not keep(host, asked):
            raise StateError(
                f"port {asked} on {host} is taken by another program or another Medloom: "
                f"choose another by {name}, or leave it out and the next free one is taken"
            )
    first = port or _next_free(host, PORTS[0], but=(live_port,))
    return first, live_port or _next_free(host, first + 1, but=(first,))


def _next_free(host: str, start: int, *, but: Iterable[int | None]) -> int:
    for port in range(start, start + PORTS_TRIED):
        if port not in but and keep(host, port):
            return port
    raise StateError(f"no free port from {start} to {start + PORTS_TRIED - 1} on {host}: name one by --port")


def search_path() -> str:
    """PYTHONPATH for a child: absolute, with this package in it, wherever the child starts."""
    here = str(Path(__file__).resolve().parents[2])
    given = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return os.pathsep.join(dict.fromkeys([here, *(str(Path(path).absolute()) for path in given)]))
