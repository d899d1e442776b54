"""The lineage page of Dagster's UI in a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.demonstration import environment, make_project

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
PATH = ("transactions", "baskets", "new_customers", "features", "entries", "advances", "deliveries")
UP_WITHIN_SECONDS = 120


@pytest.fixture
def browser_program() -> str:
    """A chromium of the system; without one the test is skipped, or fails where JOURNEYS_REQUIRE_BROWSER says so."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None and os.environ.get("JOURNEYS_REQUIRE_BROWSER") == "1":
        pytest.fail("JOURNEYS_REQUIRE_BROWSER is 1, but no chromium is installed (apt install chromium)")
    if found is None:
        pytest.skip("no chromium is installed (Debian: apt install chromium)")
    return found


@pytest.mark.timeout(300)
def test_the_lineage_leads_from_the_warehouse_to_deliveries(
    tmp_path: Path, store_url: str, sample_path: Path, browser_program: str
) -> None:
    project = make_project(tmp_path / "project")
    settings = {"JOURNEYS_STORE_URL": store_url, "JOURNEYS_WAREHOUSE_URL": f"duckdb:///{sample_path}"}
    with user_interface(project, settings) as address, page(browser_program, tmp_path / "profile") as shown:
        shown.goto(f"{address}/asset-groups")
        shown.get_by_text("warehouse", exact=True).first.wait_for(timeout=60_000)
        shown.keyboard.press("Alt+KeyE")  # expands all groups
        for name in PATH:
            shown.get_by_text(name, exact=True).first.wait_for(timeout=30_000)
        shown.screenshot(path=os.environ.get("JOURNEYS_SCREENSHOT", str(tmp_path / "lineage.png")))


@contextmanager
def user_interface(project: Path, settings: dict[str, str]) -> Iterator[str]:
    """Dagster's web server over the project, on a free port of the loopback; ended with everything it started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = project / ".journeys" / "dagster"
    home.mkdir(parents=True)
    shutil.copy(project / "dagster.yaml", home / "dagster.yaml")
    command = [sys.executable, "-m", "dagster_webserver", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    with (project / "ui.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=project,
            env=environment(project, **settings, DAGSTER_HOME=str(home)),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_up(f"http://127.0.0.1:{port}/server_info", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=60)


def wait_until_up(address: str, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + UP_WITHIN_SECONDS
    while time.monotonic() < give_up_at:
        assert process.poll() is None, "the web server ended by itself"
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"the web server did not answer within {UP_WITHIN_SECONDS} seconds")


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
