"""Who makes which plant of the demonstration: one function for each, in the order in which they are shown.

A maker gets the stage, makes its plant's files or database unless they are there, and returns the plant, or
None where the folder of real files holds nothing for it. What has to be done once all that was read has
arrived (first orders, synthetic glue) it puts into `stage.later`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from medloom.demo import erp, invented
from medloom.demo import plants as demo_plants
from medloom.demo.database import plant_database, wall
from medloom.demo.machining import Plant
from medloom.demo.metrology import write_laboratories
from medloom.demo.moulding import write_plant
from medloom.demo.plants import DemoPlant
from medloom.demo.replay import kept_pieces, logged

if TYPE_CHECKING:
    from medloom.demo.stage import Stage

Maker = Callable[["Stage", dt.datetime], DemoPlant | None]
FIRST_RUNS = 12


def make_moulding(stage: Stage, now: dt.datetime) -> DemoPlant:
    """Generated: spreadsheets in a folder."""
    files = stage.folder / "files" / "MOLD"
    if not files.exists():
        write_plant(files, today=now.date())
    return demo_plants.moulding(files)


def make_machining(stage: Stage, now: dt.datetime) -> DemoPlant:
    """Generated: a database that also takes what the registrant sends, with a plant at work in it."""
    address = plant_database(stage.state, "demo_plant")
    stage.machining = Plant(address, now=wall)
    if stage.machining.create():
        for _ in range(FIRST_RUNS):
            stage.machining.work()
    stage.later.append(_first_orders)
    turned = kept_pieces(stage.folder / "files" / "CNC-1.shdr", now=now)
    adapter = stage.replay(turned, stream="CNC-1", pace=0.0)
    files = stage.folder / "files" / "MACH"
    if not files.exists():
        write_laboratories(files, performed=f"{now:%Y-%m-%d}T08:30:00")
    return demo_plants.machining(address, adapter=adapter, folder=files)


def _first_orders() -> int:
    from medloom.demo.network import seed_orders

    return seed_orders("MACH", today=dt.datetime.now(dt.UTC).date())


def make_assembly(stage: Stage, now: dt.datetime) -> DemoPlant:
    """Generated: a small ERP whose parts come from the other two plants."""
    address = plant_database(stage.state, "demo_assembly")
    engine = sa.create_engine(address)
    invented.create(engine, today=now.date())
    engine.dispose()
    _glue(stage, "ASSY", address)
    return demo_plants.assembly(address)


def make_plant_a(stage: Stage, now: dt.datetime) -> DemoPlant | None:
    """Real files of an injection moulding plant."""
    assert stage.data is not None
    folder = demo_plants.real_folder(stage.data)
    return None if folder is None else demo_plants.real(folder)


def make_plant_b(stage: Stage, now: dt.datetime) -> DemoPlant | None:
    """Real logs of a machining plant, told live by an adapter of ours."""
    assert stage.data is not None
    folder = demo_plants.plates_folder(stage.data)
    if folder is None:
        return None
    machine = demo_plants.PLATES_MACHINE
    adapter = stage.replay(logged(folder / "machine_log", machine), stream=machine, pace=stage.pace)
    return demo_plants.plates(folder, adapter=adapter)


def make_plant_c(stage: Stage, now: dt.datetime) -> DemoPlant | None:
    """The export of an ERP, loaded into a database of its own."""
    assert stage.data is not None
    folder = erp.real_folder(stage.data)
    if folder is None:
        return None
    address = plant_database(stage.state, "demo_plant_c")
    engine = sa.create_engine(address)
    erp.load(engine, folder)
    engine.dispose()
    _glue(stage, "PLANT-C", address)
    return demo_plants.plant_c(address)


def _glue(stage: Stage, site: str, address: str) -> None:
    from medloom.demo.glue import Glue

    glue = Glue(site, address)
    glue.prepare()
    stage.later.append(glue.run)


#: Without a folder of real files, and with one. The plant that others deliver to comes last.
GENERATED: tuple[Maker, ...] = (make_moulding, make_machining, make_assembly)
REAL: tuple[Maker, ...] = (make_plant_a, make_plant_b, make_plant_c)
