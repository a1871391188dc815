"""The plants of the demonstration: who they are, what they read, and the configuration of their agents."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from medloom.demo import metrology, plan, released, turning

MAPPINGS = Path(__file__).parent / "mappings"
REAL_FOLDER = "optimold_injection_plant"
PLATES_FOLDER = "nist_mtc_machined_parts"
PLATES_MACHINE = "Hurco04"


@dataclass(frozen=True)
class Stream:
    """A machine's stream: kind and address as the agent is told them, and the file of its mapping."""

    kind: str
    address: str
    mapping: str


@dataclass(frozen=True)
class DemoPlant:
    """One plant of the demonstration.

    folder  folder of files it drops, or None; `database` address of its own database, or ""
    level   port level of its connection
    streams machines that are listened to
    """

    code: str
    name: str
    zone: str
    mappings: str
    level: str
    system: str
    folder: Path | None = None
    database: str = ""
    poll_seconds: float = 0.5
    streams: tuple[Stream, ...] = ()
    #: Parameter revisions that the registrant has released to it before anything is made.
    plan: tuple[dict[str, str], ...] = ()
    #: Specifications and documents that the registrant has released to it before anything is measured.
    released: tuple[released.Released, ...] = ()

    def write_config(self, state: Path, *, hub: str, enrolment: str) -> Path:
        """Write the agent's configuration, 0600; JSON, which is YAML too."""
        mappings = str(MAPPINGS / self.mappings)
        config: dict[str, object] = {"site": self.code, "hub": hub, "state": ".", "enrolment": enrolment}
        if self.folder is not None:
            config["folders"] = [{"path": str(self.folder), "mappings": mappings, "settle_seconds": 1.0}]
        if self.database:
            source = {"url": self.database, "mappings": mappings, "poll_seconds": self.poll_seconds}
            config["databases"] = [source]
        if self.streams:
            config["streams"] = [
                {"kind": each.kind, "address": each.address, "mapping": f"{mappings}/{each.mapping}"}
                for each in self.streams
            ]
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = state / "agent.yaml"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config, indent=1), encoding="utf-8")
        return path


def real_folder(data: Path) -> Path | None:
    """The folder of the real moulding plant below `data`, or None."""
    for folder in (data, data / REAL_FOLDER):
        if (folder / "monthly").is_dir() or (folder / "static").is_dir():
            return folder
    return None


def moulding(folder: Path) -> DemoPlant:
    """The generated moulding plant."""
    return DemoPlant(
        code="MOLD",
        name="注塑工厂（生成数据） · Moulding plant (generated)",
        zone="Asia/Shanghai",
        mappings="moulding",
        level="file",
        system="Excel",
        folder=folder,
    )


def real(folder: Path) -> DemoPlant:
    """The real moulding plant, on the files given."""
    return DemoPlant(
        code="PLANT-A",
        name="注塑工厂 A（真实数据） · Moulding plant A (real rows)",
        zone="UTC",
        mappings="plant_a",
        level="file",
        system="Excel",
        folder=folder,
    )


def plates_folder(data: Path) -> Path | None:
    """The folder of the real machining plant below `data`, or None."""
    folder = data / PLATES_FOLDER
    return folder if (folder / "machine_log").is_dir() else None


def plates(folder: Path, *, adapter: str) -> DemoPlant:
    """The real machining plant: its machine log as a live stream, its inspections as files."""
    planned = plan.read_plan(folder / plan.SHEET, folder / plan.PROGRAMS)
    return DemoPlant(
        code="PLANT-B",
        name="机加工工厂 B（NIST 真实数据） · Machining plant B (NIST, real rows)",
        zone="UTC",
        mappings="plant_b",
        level="interface",
        system="MTConnect, QIF",
        folder=folder,
        streams=(Stream("shdr", adapter, "40_hurco04.yaml"),),
        plan=tuple(plan.parameters(planned)),
        released=released.plates(folder),
    )


def machining(address: str, *, adapter: str = "", folder: Path | None = None) -> DemoPlant:
    """The generated machining plant; `adapter` is the address of its machine CNC-1, or "".

    folder  where its two laboratories drop their QIF files
    """
    return DemoPlant(
        folder=folder,
        released=tuple(released.generated(metrology.ITEM)),
        streams=(Stream("shdr", adapter, "60_cnc1.yaml"),) if adapter else (),
        plan=tuple(plan.parameters(turning.plan(), mark=turning.MARK)),
        code="MACH",
        name="机加工工厂（生成数据） · Machining plant (generated)",
        zone="Asia/Shanghai",
        mappings="machining",
        level="database",
        system="SQL",
        database=address,
    )


def assembly(address: str) -> DemoPlant:
    """The generated assembly plant, whose ERP has the same tables as the real plant C's."""
    return DemoPlant(
        code="ASSY",
        name="装配工厂（生成数据） · Assembly plant (generated)",
        zone="Asia/Shanghai",
        mappings="plant_c",
        level="database",
        system="ERP",
        database=address,
        poll_seconds=2.0,
    )


def plant_c(address: str) -> DemoPlant:
    """The plant with an ERP, on a sample database's rows; what is synthetic in it says so."""
    return DemoPlant(
        code="PLANT-C",
        name="装配工厂 C（样例 ERP，合成关联） · Assembly plant C (sample ERP, synthetic glue)",
        zone="UTC",
        mappings="plant_c",
        level="database",
        system="ERP",
        database=address,
        poll_seconds=2.0,
    )
