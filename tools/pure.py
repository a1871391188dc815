"""Run the pure tests and those on files, and hold them to their time.

The rules together take less than 2 s, all of them less than 25 s.
Times are processor seconds of each test (tools/sockets.py notes them), so that a busy machine is no fault.
The plants' own files are left to `make test`: this lasts as long with them as without.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from tools.fault import ROOT

RULES_S_MAX = 2.0
PURE_S_MAX = 25.0
NO_TESTS = 5


def times(report: Path) -> tuple[float, float, int]:
    """Seconds of the rules' tests, seconds of all, count of all; rules are test files named test_rules*."""
    rules = whole = 0.0
    count = 0
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - written by pytest a moment ago
        noted = [p.get("value", "0") for p in case.iter("property") if p.get("name") == "cpu_s"]
        seconds = sum(float(value) for value in noted)
        whole += seconds
        count += 1
        if ".test_rules" in f".{case.get('classname', '')}":
            rules += seconds
    return rules, whole, count


def too_slow(rules: float, whole: float) -> list[str]:
    """What took longer than it may."""
    found = []
    if rules >= RULES_S_MAX:
        found.append(f"tests of rules took {rules:.2f} s; at most {RULES_S_MAX} s: is one asking a database?")
    if whole >= PURE_S_MAX:
        found.append(f"pure tests took {whole:.1f} s; at most {PURE_S_MAX} s")
    return found


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "pure.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            "pure or files",
            f"--junitxml={xml}",
            "-p",
            "no:cacheprovider",
        ]
        env = os.environ | {"MEDLOOM_DATA": str(Path(folder) / "none")}
        code = subprocess.run([*command, *sys.argv[1:]], cwd=ROOT, env=env, check=False).returncode
        if code:
            print("no pure test was found" if code == NO_TESTS else "pure tests fail")
            return code
        rules, whole, count = times(xml)
    print(f"{count} pure tests, rules {rules:.2f} s, all {whole:.2f} s")
    slow = too_slow(rules, whole)
    print("\n".join(slow))
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
