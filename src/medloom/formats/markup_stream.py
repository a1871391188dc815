"""XML from outside that is too large to be held: element by element, under the same rules as markup.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from lxml import etree

from medloom.formats.markup import DEPTH_MAX
from medloom.wire.verdict import FileRefused

#: Elements below one of those asked for; the rest of the file may hold any number of them.
INSIDE_MAX = 20_000


def stream_xml(file: BinaryIO, name: str, *, depth_max: int = DEPTH_MAX) -> Iterator[Any]:
    """Each element of that local name, whole, in file order; what was read is forgotten behind it.

    Raises FileRefused: `file_doctype` before anything that a document type declares is used, `file_too_deep`,
    `file_too_large` for one element with too much in it, `file_broken` where the file stops being XML. What
    was handed out before that stands.
    """
    reading = etree.iterparse(
        file, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
        dtd_validation=False, attribute_defaults=False, huge_tree=False, recover=False, remove_pis=True,
    )  # fmt: skip
    depth = inside = wanted = 0
    try:
        for event, element in reading:
            if event == "start":
                depth += 1
                inside += 1
                if depth == 1 and element.getroottree().docinfo.doctype:
                    raise FileRefused("file_doctype", expected="no document type or entities", got="DOCTYPE")
                if depth > depth_max:
                    raise FileRefused("file_too_deep", expected=f"<= {depth_max} levels", got=str(depth))
                if inside > INSIDE_MAX:
                    raise FileRefused("file_too_large", expected=f"<= {INSIDE_MAX} elements", got="more")
                if etree.QName(element).localname == name and not wanted:
                    wanted, inside = depth, 0
                continue
            if depth == wanted:
                yield element
                wanted = 0
            if not wanted:
                inside = 0
                element.clear()
                parent = element.getparent()
                while parent is not None and element.getprevious() is not None:
                    del parent[0]
            depth -= 1
    except etree.XMLSyntaxError as error:
        line, column = error.position
        got = f"line {line}, column {column}: {error.msg}"[:200]
        raise FileRefused("file_broken", expected="well-formed XML", got=got) from error
