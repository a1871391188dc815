"""Every relative link and picture in our documents leads somewhere, headings included."""

import re
import sys
from pathlib import Path

from tools.fault import ROOT, Fault, files, named, report

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The names under which the headings of a document can be linked to."""
    words = (re.sub(r"[^\w\s-]", "", re.sub(r"[`*]", "", h)).lower() for h in HEADING.findall(text))
    return {re.sub(r"\s", "-", word.strip()) for word in words}


def faults(root: Path) -> list[Fault]:
    """Links that lead nowhere."""
    found = []
    for path in files(root, ".md"):
        text = FENCE.sub(lambda fence: "\n" * fence.group().count("\n"), path.read_text("utf-8"))
        for link in LINK.finditer(text):
            target, _, anchor = link[1].partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            line = text.count("\n", 0, link.start()) + 1
            there = (path.parent / target).resolve() if target else path
            if not there.exists():
                found.append(Fault(named(path, root), line, f"{target} does not exist"))
            elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text("utf-8")):
                found.append(Fault(named(path, root), line, f"no heading #{anchor} in {target or path.name}"))
    return found


if __name__ == "__main__":
    sys.exit(report("links", faults(ROOT)))
