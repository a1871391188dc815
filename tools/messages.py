"""Compile one gettext catalogue; needs no gettext on the machine.

Usage: python -m tools.messages IN.po OUT.mo
"""

import sys
from pathlib import Path

import polib


def compile_catalogue(*, source: Path, target: Path) -> int:
    """Write the binary catalogue and answer how many entries it holds.

    A fuzzy entry is a guess of a tool: it is left out, as gettext itself does.
    """
    catalogue = polib.pofile(str(source), encoding="utf-8", check_for_duplicates=True)
    catalogue.save_as_mofile(str(target))
    return len(catalogue.translated_entries())


def main() -> int:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    count = compile_catalogue(source=source, target=target)
    print(f"messages: {count} in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
