"""A Chromium that can show Chinese, for the browser tests and the README's pictures; found, or installed.

In order: the one named by MEDLOOM_CHROMIUM, the system's, Debian's by apt when we are root, Playwright's own
download. If none can be had this raises and names the command: a browser test is never skipped.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: A headless browser of a test asks nobody but the page under test.
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--font-render-hinting=none",
)
INSTALL_S_MAX = 600


class BrowserMissing(Exception):
    """No Chromium, or no Chinese font, and no way to install it from here."""


def _apt(*packages: str) -> bool:
    """Install Debian packages when we may; whether it worked."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["update", "-q"], ["install", "-yq", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *command], env=env, capture_output=True, timeout=INSTALL_S_MAX, check=False
        )
        if done.returncode:
            return False
    return True


def _system() -> str | None:
    named = os.environ.get("MEDLOOM_CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def _downloaded() -> str | None:
    """Playwright's own Chromium, downloaded when it is not there yet."""
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    if not path.exists():
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(command, capture_output=True, timeout=INSTALL_S_MAX, check=False)
    return str(path) if path.exists() else None


def chromium() -> str:
    """The path of a Chromium. Raises BrowserMissing."""
    found = _system() or (_apt("chromium") and _system()) or _downloaded()
    if not found:
        raise BrowserMissing(
            "No Chromium. Run `apt-get install chromium` as root, or `python -m playwright install chromium`,"
            " or name one: MEDLOOM_CHROMIUM=/path/to/chromium"
        )
    return found


def _shows_chinese() -> bool:
    if not shutil.which("fc-list"):
        return False
    done = subprocess.run(
        ["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, timeout=60, check=False
    )
    return bool(done.stdout.strip())


def chinese_font() -> None:
    """Make sure that Chinese is drawn as letters, not as boxes. Raises BrowserMissing."""
    if not _shows_chinese() and not (_apt("fontconfig", "fonts-noto-cjk") and _shows_chinese()):
        raise BrowserMissing("No Chinese font. Run `apt-get install fontconfig fonts-noto-cjk` as root.")


@contextmanager
def running() -> Iterator[Browser]:
    """A started headless Chromium."""
    chinese_font()
    path = chromium()
    with sync_playwright() as playwright:
        # No sandbox: root has none, and the only pages shown are our own on this machine.
        browser = playwright.chromium.launch(
            executable_path=path, headless=True, chromium_sandbox=False, args=list(FLAGS)
        )
        yield browser
        browser.close()
