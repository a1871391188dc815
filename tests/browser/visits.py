"""What a person does on the pages, in words."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.network import PASSWORD


def log_in(page: Page, base: str, name: str, *, language: str = "en") -> None:
    """Log in and speak that language."""
    page.goto(f"{base}/login/")
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.wait_for_url(f"{base}/")
    page.context.add_cookies([{"name": "django_language", "value": language, "url": base}])


def say_why(page: Page, reason: str) -> None:
    """Fill in the reason that every change asks for."""
    page.fill("#reason", reason)


def follow(page: Page, name: str) -> None:
    """Press a button or link by its word and wait for the next page."""
    target = page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name, exact=True)).first
    with page.expect_navigation():
        target.click()
