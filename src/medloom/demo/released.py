"""What the registrant of the demonstration has released before a plant measures.

The limits come from the laboratories' own plans, as the registrant would take them over from its drawing. A
tolerance zone with a wrong sign is taken by its size, and the specification says so.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from medloom.demo.metrology import CHARACTERISTICS, MARK
from medloom.design.plans import read_plan

#: Type and fields of one revision to be released.
Released = tuple[str, dict[str, Any]]
#: Suffix of a file -> the kind of document it is.
KINDS = {
    ".pdf": "drawing",
    ".sldprt": "cad_model",
    ".sldasm": "cad_model",
    ".sat": "cad_model",
    ".step": "cad_model",
    ".prt": "cad_model",
    ".nc": "nc_program",
}


def specifications(data: bytes, *, item: str, prefix: str = "") -> Iterator[Released]:
    """One specification for each characteristic of a QIF file's plan, revision A."""
    for one in read_plan(data, item=item, prefix=prefix):
        fields = {**one.fields, "revision": "A"}
        wrong = re.fullmatch(r"limits_contradict: tolerance zone -([0-9.]+)", one.note)
        if wrong:
            fields["high"] = wrong.group(1)
            fields["method"] = f"{fields['method']}; {one.note} in the file, released as {wrong.group(1)}"
        yield "specification", fields


def generated(item: str) -> Iterator[Released]:
    """The specifications of the generated parts."""
    for name, kind, nominal, low, high in CHARACTERISTICS:
        yield (
            "specification",
            {
                "number": f"{item}.{name.replace('/', '.')}",
                "revision": "A",
                "characteristic": name,
                "unit": "mm",
                "nominal": nominal,
                "low": f"{float(nominal) + float(low):g}",
                "high": f"{float(nominal) + float(high):g}",
                "method": f"{kind.lower()}; {MARK}",
            },
        )


def documents(models: str, programs: str) -> Iterator[Released]:
    """The documents of two indexes (CSV texts): CAD files by revision folder, NC programs with their digest.

    A file of another kind (an archive, a note) is no document of the registrant and left out.
    """
    for row in csv.DictReader(io.StringIO(models)):
        kind = KINDS.get(Path(row["file"]).suffix.lower())
        revision = row["revision_folder"].rpartition("Rev-")[2]
        if kind and revision:
            blob = f"git blob {row['git_blob']}"
            yield "document", _document(row["file"], revision, kind, row["bytes"], remark=blob)
    for row in csv.DictReader(io.StringIO(programs)):
        words = f"S {row['spindle_rpm_words']} F {row['feed_words']}"
        fields = _document(row["nc_program"], "A", "nc_program", row["bytes"], remark=words)
        yield "document", {**fields, "sha256": row["sha256"]}


def _document(file: str, revision: str, kind: str, size: str, *, remark: str) -> dict[str, Any]:
    return {
        "number": file,
        "revision": revision,
        "kind": kind,
        "title": Path(file).stem,
        "file": file,
        "size_bytes": int(size),
        "remark": remark,
    }


def plates(folder: Path) -> tuple[Released, ...]:
    """All that the registrant has released to the real machining plant, from the files of its folder."""
    found: list[Released] = []
    for path, prefix in _plans(folder):
        item = re.search(r"(plate|cover|box)", path.name, re.IGNORECASE)
        if item:
            data = path.read_bytes()
            found += specifications(data, item=item.group(1).upper(), prefix=prefix)
    indexes = [folder / "cad_revision_index.csv", folder / "nc_program_index.csv"]
    if all(path.is_file() for path in indexes):
        models, programs = (path.read_text(encoding="utf-8-sig") for path in indexes)
        found += documents(models, programs)
    return unlike(found)


def _plans(folder: Path) -> list[tuple[Path, str]]:
    found = []
    for name, prefix in (("incoming_inspection", ""), ("fair", "FAI.")):
        files = sorted(path for path in (folder / name).glob("*") if path.suffix.lower() == ".qif")
        found += [(path, prefix) for path in files]
    return found


def unlike(released: Sequence[Released]) -> tuple[Released, ...]:
    """Each revision once: the first of several with one number and revision."""
    known = {}
    for type_, fields in released:
        known.setdefault((type_, fields["number"], fields["revision"]), (type_, fields))
    return tuple(known.values())
