"""Resolve requirements and package.json into locks with hashes and without addresses.

`python -m tools.lock` keeps the versions already locked; `--upgrade` takes newer ones.
"""

import json
import subprocess
import sys

from tools.assets import ROOT, environment, npm

OPTIONS = [
    "--quiet",
    "--generate-hashes",
    "--allow-unsafe",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--strip-extras",
]


def lock_python(extra: list[str]) -> None:
    # base after dev, constrained by it: the product runs on the very versions that were tested.
    for name, constraint in (("dev", []), ("base", ["--constraint", "requirements/dev.txt"])):
        command = [sys.executable, "-m", "piptools", "compile", *OPTIONS, *constraint, *extra]
        command += ["--output-file", f"requirements/{name}.txt", f"requirements/{name}.in"]
        subprocess.run(command, cwd=ROOT, check=True)


def lock_npm() -> None:
    command = [*npm(), "install", "--package-lock-only", "--ignore-scripts", "--loglevel", "error"]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True)
    path = ROOT / "package-lock.json"
    lock = json.loads(path.read_text("utf-8"))
    for package in lock["packages"].values():
        package.pop("resolved", None)
        package.pop("funding", None)  # addresses of donation pages, no use for installing
    path.write_text(json.dumps(lock, indent=2) + "\n", "utf-8")


def main() -> int:
    lock_python(sys.argv[1:])
    lock_npm()
    return 0


if __name__ == "__main__":
    sys.exit(main())
