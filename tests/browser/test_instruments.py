"""The instruments themselves: what they should find is found, on pages made for it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import axe_faults, check_page, picture, sideways_px
from tools import browser as browsers

pytestmark = pytest.mark.browser
FINE = "<!doctype html><html lang=zh-hans><title>x</title><body><main><h1>批次 25110403</h1></main></html>"


def served(page: Page, html: str) -> None:
    """Show the page as if a server had sent it."""
    page.route("http://page.test/", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto("http://page.test/")


def test_a_fine_page_has_no_fault_and_chinese_is_drawn(page: Page) -> None:
    served(page, FINE)
    assert axe_faults(page) == []
    assert sideways_px(page) == 0
    # Letters without a font are all drawn as the same box: two different ones must differ.
    drawn = [
        page.evaluate(
            """letter => { const c = document.createElement('canvas').getContext('2d');
            c.font = '40px sans-serif'; c.fillText(letter, 0, 60); return c.canvas.toDataURL(); }""",
            letter,
        )
        for letter in "械联"
    ]
    assert drawn[0] != drawn[1]
    assert picture(page, "instruments").stat().st_size > 1_000


def test_a_wide_page_is_found(page: Page) -> None:
    served(page, FINE.replace("<h1>", "<div style='width:1100px'>wide</div><h1>"))
    with pytest.raises(AssertionError, match="en 1024: 84 pixels wider"):
        check_page(page, "instruments-wide")


def test_a_picture_without_words_and_pale_letters_are_found(page: Page) -> None:
    served(page, FINE.replace("<h1>", "<img src='data:,'><p style='color:#ccc;background:#fff'>pale</p><h1>"))
    found = " ".join(axe_faults(page))
    assert "image-alt" in found
    assert "color-contrast" in found


def test_a_page_in_the_wrong_language_is_found(page: Page) -> None:
    served(page, FINE)
    with pytest.raises(AssertionError, match="en: the page says it is in 'zh-hans'"):
        check_page(page, "instruments-language")


def test_without_any_browser_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDLOOM_CHROMIUM", raising=False)
    monkeypatch.setattr(browsers, "_system", lambda: None)
    monkeypatch.setattr(browsers, "_apt", lambda *packages: False)
    monkeypatch.setattr(browsers, "_downloaded", lambda: None)
    with pytest.raises(browsers.BrowserMissing, match="apt-get install chromium"):
        browsers.chromium()
    monkeypatch.setattr(browsers, "_shows_chinese", lambda: False)
    with pytest.raises(browsers.BrowserMissing, match="fonts-noto-cjk"):
        browsers.chinese_font()


def test_a_browser_named_by_hand_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDLOOM_CHROMIUM", str(tmp_path / "mine"))
    assert browsers.chromium() == str(tmp_path / "mine")
