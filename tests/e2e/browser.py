"""A headless browser of the system, driven by playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def browser_program() -> str:
    """A chromium of the system; without one the test is skipped, or fails where JOURNEYS_REQUIRE_BROWSER says so."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None and os.environ.get("JOURNEYS_REQUIRE_BROWSER") == "1":
        pytest.fail("JOURNEYS_REQUIRE_BROWSER is 1, but no chromium is installed (apt install chromium)")
    if found is None:
        pytest.skip("no chromium is installed (Debian: apt install chromium)")
    return found


@contextmanager
def page(program: str, profile: Path) -> Iterator[Any]:
    """A page of a headless browser with a fresh profile."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=program,
            headless=True,
            args=FLAGS,
            viewport={"width": 1800, "height": 1100},
        )
        try:
            yield context.pages[0] if context.pages else context.new_page()
        finally:
            context.close()


def pictures(otherwise: Path) -> Path:
    """Where screenshots go: JOURNEYS_SCREENSHOTS, else this folder. Those of the documentation are made so."""
    return Path(os.environ.get("JOURNEYS_SCREENSHOTS", otherwise))
