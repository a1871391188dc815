"""What browser tests need: a real Chromium, pages that report their errors, screenshots that are kept."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page, expect

from tools.browser import running
from tools.fault import ROOT

ARTIFACTS = ROOT / "tests" / "artifacts"
AXE = ROOT / "src/medloom/interfaces/web/static/vendor/axe.min.js"
WIDTHS_PX = (1440, 1024)
HEIGHT_PX = 900
LANGUAGES = ("zh-hans", "en")

#: Playwright's loop runs in the test's own thread; Django would take each query there for a slip.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
#: A loaded machine may take its time; what is expected is waited for, never slept for.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one Chromium of a test run."""
    with running() as found:
        yield found


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page with no cookies. An error in its console fails the test; its last view is kept."""
    context = browser.new_context(viewport={"width": WIDTHS_PX[0], "height": HEIGHT_PX}, locale="zh-CN")
    context.set_default_timeout(15_000)
    found = context.new_page()
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    found.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield found
    ARTIFACTS.mkdir(exist_ok=True)
    name = re.sub(r"[^\w-]+", "-", request.node.name)
    found.screenshot(path=ARTIFACTS / f"last-{name}.png", animations="disabled")
    context.close()
    refused = request.node.get_closest_marker("refusals") is not None
    assert not errors or refused, f"the browser's console says: {errors}"


def axe_faults(page: Page) -> list[str]:
    """Serious and critical faults that axe finds, each with its rule and the first elements at fault."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']} ({fault['impact']}): {fault['help']}: "
        + "; ".join(
            f"{node['html'][:120]} {node.get('failureSummary', '')[:200]}" for node in fault["nodes"][:3]
        )
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]


def sideways_px(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")


def picture(page: Page, name: str) -> Path:
    """Keep the whole page as a picture."""
    ARTIFACTS.mkdir(exist_ok=True)
    path = ARTIFACTS / f"{name}.png"
    page.screenshot(path=path, full_page=True, animations="disabled")
    return path


def check_page(page: Page, name: str) -> None:
    """Look at the page's address in both languages and widths: nothing sideways, nothing axe calls serious.

    Pictures are kept as tests/artifacts/NAME-LANGUAGE-WIDTH.png. The page is left in Chinese at 1440 pixels.
    """
    faults = []
    for language in reversed(LANGUAGES):
        page.context.add_cookies(
            [{"name": "django_language", "value": language, "url": urljoin(page.url, "/")}]
        )
        page.reload()
        shown = page.locator("html").get_attribute("lang") or ""
        if not language.startswith(shown.lower()[:2]):
            faults.append(f"{language}: the page says it is in {shown!r}")
        for width in reversed(WIDTHS_PX):
            page.set_viewport_size({"width": width, "height": HEIGHT_PX})
            picture(page, f"{name}-{language}-{width}")
            if sideways_px(page) > 0:
                faults.append(f"{language} {width}: {sideways_px(page)} pixels wider than the window")
        faults += [f"{language}: {fault}" for fault in axe_faults(page)]
    assert not faults, "\n".join([page.url, *faults])


@pytest.fixture
def page_ok() -> Callable[[Page, str], None]:
    """`page_ok(page, name)`: see check_page."""
    return check_page
