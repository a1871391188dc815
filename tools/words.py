"""Every text that people see exists in Chinese too.

`python -m tools.words` names texts in code and templates without a translation, and translations that nothing
uses any more. `python -m tools.words --write` adds the former, empty, to the catalogue and drops the latter.
Works without gettext's programs, so that nobody leaves it out for want of them.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polib
from django.conf import settings
from django.utils.translation.template import templatize

from tools.fault import ROOT, Fault, files, named, parsed, report

CATALOGUE = "src/medloom/locale/zh_Hans/LC_MESSAGES/django.po"
CALLS = {
    "_",
    "gettext",
    "gettext_lazy",
    "gettext_noop",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
}
_STRING = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_MARKED = re.compile(rf"\b(_|gettext|ngettext|pgettext)\(\s*{_STRING}(?:\s*,\s*{_STRING})?")
HEADER = {
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Transfer-Encoding": "8bit",
    "Language": "zh_Hans",
    "Plural-Forms": "nplurals=1; plural=0;",
}


@dataclass(frozen=True)
class Word:
    """One text: context, singular, plural (empty when there is none), and where it stands."""

    context: str
    text: str
    plural: str
    path: str
    line: int

    @property
    def name(self) -> tuple[str, str]:
        """What the catalogue knows it by."""
        return self.context, self.text


def _word(call: str, first: str, second: str, path: str, line: int) -> Word:
    if call.startswith("p"):
        return Word(first, second, "", path, line)
    return Word("", first, second if call.startswith("n") else "", path, line)


def _in_python(path: Path, name: str) -> Iterator[Word]:
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.Call):
            continue
        call = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if call in CALLS:
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if texts:
                yield _word(call, texts[0], texts[1] if len(texts) > 1 else "", name, node.lineno)


def _in_template(path: Path, name: str) -> Iterator[Word]:
    code = templatize(path.read_text("utf-8"))
    for found in _MARKED.finditer(code):
        first, second = (ast.literal_eval(found[i]) if found[i] else "" for i in (2, 3))
        yield _word(found[1], first, second, name, code.count("\n", 0, found.start()) + 1)


def words(root: Path) -> dict[tuple[str, str], Word]:
    """Every marked text of our source, each once, in the order of the files."""
    if not settings.configured:
        settings.configure()
    found: dict[tuple[str, str], Word] = {}
    for path in files(root / "src" / "medloom", ".py", ".html", ".txt"):
        name = named(path, root)
        if "/tests/" not in name and "/migrations/" not in name:
            for word in (_in_python if path.suffix == ".py" else _in_template)(path, name):
                found.setdefault(word.name, word)
    return found


def _catalogue(root: Path) -> polib.POFile:
    path = root / CATALOGUE
    if path.exists():
        return polib.pofile(str(path), encoding="utf-8", wrapwidth=110)
    new = polib.POFile(encoding="utf-8", wrapwidth=110)
    new.metadata = dict(HEADER)
    return new


def _translated(entry: polib.POEntry) -> bool:
    texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    return all(texts) and not entry.fuzzy


def _holes(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]|%[sd]|\{\w*\}", text))


def faults(root: Path) -> list[Fault]:
    """Texts without Chinese, translations with other holes than the text, and unused ones."""
    wanted = words(root)
    entries = {(e.msgctxt or "", e.msgid): e for e in _catalogue(root) if not e.obsolete}
    found = []
    for name, word in wanted.items():
        entry = entries.get(name)
        if entry is None or not _translated(entry):
            found.append(
                Fault(
                    word.path, word.line, f"no Chinese for {word.text!r} (add: python -m tools.words --write)"
                )
            )
        elif not entry.msgid_plural and _holes(entry.msgstr) != _holes(entry.msgid):
            found.append(
                Fault(word.path, word.line, f"{word.text!r} and {entry.msgstr!r} have different holes")
            )
    for name, entry in entries.items():
        if name not in wanted:
            found.append(Fault(CATALOGUE, entry.linenum or 1, f"{entry.msgid!r} is used nowhere"))
    return found


def write(root: Path) -> tuple[int, int]:
    """Bring the catalogue up to the source; answers how many texts were added and dropped."""
    wanted, kept = words(root), _catalogue(root)
    entries = {(e.msgctxt or "", e.msgid): e for e in kept if not e.obsolete}
    fresh = polib.POFile(encoding="utf-8", wrapwidth=110)
    fresh.metadata = {**HEADER, **kept.metadata}
    for name, word in sorted(wanted.items(), key=lambda item: (item[1].path, item[1].text)):
        entry = entries.get(name) or polib.POEntry(
            msgctxt=word.context or None,
            msgid=word.text,
            msgid_plural=word.plural,
            msgstr="",
            msgstr_plural={0: ""} if word.plural else {},
        )
        entry.occurrences = [(word.path, "")]  # without lines: they would change with every edit
        fresh.append(entry)
    path = root / CATALOGUE
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh.save(str(path))
    return len(wanted.keys() - entries.keys()), len(entries.keys() - wanted.keys())


if __name__ == "__main__":
    if "--write" in sys.argv:
        added, dropped = write(ROOT)
        print(f"{CATALOGUE}: {added} added, {dropped} dropped")
    sys.exit(report("words", faults(ROOT)))
