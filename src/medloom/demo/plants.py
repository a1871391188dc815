"""The plants of the demonstration: who they are, what they read, and the configuration of their agents."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

MAPPINGS = Path(__file__).parent / "mappings"
REAL_FOLDER = "optimold_injection_plant"


@dataclass(frozen=True)
class DemoPlant:
    """One plant of the demonstration.

    folder  folder of files it drops, or None; `database` address of its own database, or ""
    level   port level of its connection
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

    def write_config(self, state: Path, *, hub: str, enrolment: str) -> Path:
        """Write the agent's configuration, 0600; JSON, which is YAML too."""
        mappings = str(MAPPINGS / self.mappings)
        config: dict[str, object] = {"site": self.code, "hub": hub, "state": ".", "enrolment": enrolment}
        if self.folder is not None:
            config["folders"] = [{"path": str(self.folder), "mappings": mappings, "settle_seconds": 1.0}]
        if self.database:
            source = {"url": self.database, "mappings": mappings, "poll_seconds": self.poll_seconds}
            config["databases"] = [source]
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
        name="注塑演示工厂 · moulding plant (generated)",
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
        name="注塑工厂 A · moulding plant A (real rows)",
        zone="UTC",
        mappings="plant_a",
        level="file",
        system="Excel",
        folder=folder,
    )


def machining(address: str) -> DemoPlant:
    """The generated machining plant."""
    return DemoPlant(
        code="MACH",
        name="机加工演示工厂 · machining plant (generated)",
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
        name="装配演示工厂 · assembly plant (generated)",
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
        name="装配工厂 C · assembly plant C (sample ERP, synthetic glue)",
        zone="UTC",
        mappings="plant_c",
        level="database",
        system="ERP",
        database=address,
        poll_seconds=2.0,
    )
