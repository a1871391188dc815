"""Opening XML from outside: no document type, no entities, no network, no bottomless nesting.

A document type is refused altogether: none of the formats read here needs one, and it is what entity bombs
and external entities (ASVS 5.5.2) are made of.
"""

from __future__ import annotations

import re

from lxml import etree

from medloom.formats.refusing import FormatRefused

XML_BYTES_MAX = 32 * 1024 * 1024
ENCODINGS = ("utf-8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "windows-1252", "gb18030", "gbk", "gb2312")
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
#: What may stand before the first element: blanks, processing instructions, comments.
_BEFORE = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")


def open_xml(data: bytes, *, bytes_max: int = XML_BYTES_MAX) -> etree._Element:
    """The root element of an XML file.

    Raises FormatRefused: file_empty, file_too_large, file_doctype, text_encoding, file_broken (with line and
    column of what could not be read).
    """
    if not data.strip():
        raise FormatRefused("file_empty", expected="an XML document", got=f"{len(data)} bytes")
    if len(data) > bytes_max:
        raise FormatRefused("file_too_large", expected=f"<= {bytes_max} bytes", got=str(len(data)))
    _check_prolog(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        place = f"/line/{line}/column/{column}"
        raise FormatRefused(
            "file_broken", expected="well-formed XML", got=str(error.msg), path=place
        ) from error
    except (ValueError, LookupError) as error:
        raise FormatRefused("file_broken", expected="well-formed XML", got=str(error)) from error
    if root.getroottree().docinfo.doctype:
        raise FormatRefused("file_doctype", expected="no document type or entities", got="<!DOCTYPE")
    return root


def _check_prolog(data: bytes) -> None:
    """Refuse a document type before any parser sees it; UTF-16 is looked at without its noughts."""
    for mark in _MARKS:
        data = data.removeprefix(mark)
    plain = data[: 1024 * 1024].replace(b"\x00", b"")
    declared = _DECLARED.match(plain)
    if declared and declared.group(1).decode("ascii").lower().removesuffix("le").removesuffix("be") not in (
        *ENCODINGS,
    ):
        raise FormatRefused(
            "text_encoding", expected="|".join(ENCODINGS), got=declared.group(1).decode("ascii")
        )
    at = 0
    while found := _BEFORE.match(plain, at):
        at = found.end()
    if plain[at : at + 9].upper() == b"<!DOCTYPE":
        raise FormatRefused("file_doctype", expected="no document type or entities", got="<!DOCTYPE")


def local(element: etree._Element) -> str:
    """The element's name without its namespace."""
    return str(etree.QName(element).localname)


def text_at(element: etree._Element | None, path: str) -> str:
    """The text of the first element at a path of names in any namespace, without blanks; "" when none."""
    if element is None:
        return ""
    found = element.find("/".join(f"{{*}}{name}" for name in path.split("/")))
    return (found.text or "").strip() if found is not None else ""
