"""Photograph the pages of a running demonstration for the README: `make pictures`.

Needs `make demo` in another window. Address, user and password are given as MEDLOOM_URL, MEDLOOM_USER and
MEDLOOM_PASSWORD; the demonstration prints them.
"""

import os
import sys
from pathlib import Path

from playwright.sync_api import Page

from tools.browser import running
from tools.fault import ROOT

FOLDER = ROOT / "docs" / "pictures"
SIZE_PX = {"width": 1440, "height": 900}
#: Picture -> path of the page.
PAGES = {"overview": "/"}
LANGUAGES = {"zh": "zh-hans", "en": "en"}


def log_in(page: Page, url: str, user: str, password: str) -> None:
    """Log in by the page's own form."""
    page.goto(url)
    if page.locator("input[name=password]").count():
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", password)
        page.press("input[name=password]", "Enter")
        page.wait_for_load_state("load")
    if page.locator("input[name=password]").count():
        raise SystemExit(
            "the login was refused: are MEDLOOM_USER and MEDLOOM_PASSWORD those that it printed?"
        )


def take(page: Page, url: str, folder: Path) -> list[Path]:
    """Take every picture in every language."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    for short, language in LANGUAGES.items():
        page.context.add_cookies([{"name": "django_language", "value": language, "url": url}])
        for name, path in PAGES.items():
            page.goto(url.rstrip("/") + path)
            page.wait_for_timeout(1_500)  # charts are drawn after loading
            taken.append(folder / f"{name}-{short}.png")
            page.screenshot(path=taken[-1], animations="disabled")
    return taken


def main() -> int:
    url = os.environ.get("MEDLOOM_URL", "http://127.0.0.1:8000/")
    with running() as browser:
        page = browser.new_context(viewport=SIZE_PX, locale="zh-CN").new_page()
        log_in(page, url, os.environ.get("MEDLOOM_USER", ""), os.environ.get("MEDLOOM_PASSWORD", ""))
        for path in take(page, url, FOLDER):
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
