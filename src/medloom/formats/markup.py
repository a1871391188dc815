"""XML from outside: the one door through which QIF, GUDID, MTConnect and other XML files are opened.

No document type at all, so nothing can be declared that expands or reaches outside (billion laughs,
external entities); nothing is fetched, no size, depth or number of elements is without a limit
(ASVS 1.5.1, 5.2.1). What is refused has a stable code and a line.
"""

from __future__ import annotations

from typing import Any, NoReturn

from lxml import etree

from medloom.wire.verdict import FileRefused

XML_BYTES_MAX = 64 * 1024 * 1024
DEPTH_MAX = 100
ELEMENTS_MAX = 2_000_000
ATTRIBUTES_MAX = 200


def parse_xml(
    data: bytes,
    *,
    bytes_max: int = XML_BYTES_MAX,
    depth_max: int = DEPTH_MAX,
    elements_max: int = ELEMENTS_MAX,
) -> Any:
    """The root element (an lxml element, with namespaces and `sourceline`) of a complete XML file.

    Read twice by the same parser: first counting only, with nothing built, then for its elements. So a
    file beyond a limit costs no more memory than its bytes. Raises FileRefused: `file_empty`,
    `file_too_large`, `file_doctype`, `file_too_deep` or `file_broken`.
    """
    if not data.strip():
        raise FileRefused("file_empty", expected="an XML document", got=f"{len(data)} bytes")
    if len(data) > bytes_max:
        raise FileRefused("file_too_large", expected=f"<= {bytes_max} bytes", got=str(len(data)))
    try:
        _read(data, _Count(depth_max, elements_max))
        return _read(data, None)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise FileRefused(
            "file_broken", expected="well-formed XML", got=f"line {line}, column {column}: {error.msg}"[:200]
        ) from error
    except (LookupError, ValueError) as error:
        if isinstance(error, FileRefused):
            raise
        raise FileRefused("file_broken", expected="well-formed XML", got=str(error)[:200]) from error


def _read(data: bytes, target: _Count | None) -> Any:
    parser = etree.XMLParser(
        target=target,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,  # keeps libxml2's own limits on texts, names and expansion as the second fence
        recover=False,
        remove_pis=True,
    )
    return etree.fromstring(data, parser)


class _Count:
    """What the first reading counts; the parser calls it for each piece of the file."""

    def __init__(self, depth_max: int, elements_max: int) -> None:
        self.depth = self.elements = 0
        self.depth_max, self.elements_max = depth_max, elements_max

    def doctype(self, name: str | None, public: str | None, system: str | None) -> NoReturn:
        """Called before anything that the document type declares is read."""
        raise FileRefused("file_doctype", expected="no document type or entities", got=ascii(name)[:80])

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > self.depth_max:
            raise FileRefused("file_too_deep", expected=f"<= {self.depth_max} levels", got=str(self.depth))
        if self.elements > self.elements_max:
            raise FileRefused("file_too_large", expected=f"<= {self.elements_max} elements", got="more")
        if len(attributes) > ATTRIBUTES_MAX:
            raise FileRefused(
                "file_too_large", expected=f"<= {ATTRIBUTES_MAX} attributes", got=str(len(attributes))
            )

    def end(self, tag: str) -> None:
        self.depth -= 1

    def close(self) -> None:
        """Nothing is built."""
