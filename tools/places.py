"""No place of somebody's own machine, and no registry's host, in what we commit: both are wrong elsewhere."""

import re
import sys
from pathlib import Path

from tools.fault import ROOT, Fault, files, named, report

# Written so that the patterns do not match themselves.
PLACE = re.compile(r"(?<![\w.~<{}$-])/(?:work|root/[\w.]+|home/\w+|Users/\w+|tmp/\w+)(?:/|\b)(?!-)")
HOST = re.compile(r"https?://[^\s/\"')>]*(?:py[p]i|npm[j]s|regist[r]y|mir[r]or|deb[i]an\.org)[^\s/\"')>]*")
TEXT = (
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".in",
    ".json",
    ".html",
    ".css",
    ".js",
    ".mjs",
    ".yaml",
    ".yml",
    ".po",
    ".sh",
)
PLAIN_NAMES = ("Makefile", "run", ".npmrc", ".gitignore")


def faults(root: Path) -> list[Fault]:
    """Every such place in our text files."""
    found = []
    for path in files(root):
        if path.suffix not in TEXT and path.name not in PLAIN_NAMES:
            continue
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
            for pattern, text in ((PLACE, "a place on one machine"), (HOST, "a registry's host")):
                hit = pattern.search(line)
                if hit:
                    found.append(Fault(named(path, root), number, f"{hit.group()!r}: {text}"))
    return found


if __name__ == "__main__":
    sys.exit(report("places", faults(ROOT)))
