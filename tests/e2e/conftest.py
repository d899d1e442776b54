"""One folder of snapshots for all end-to-end tests."""

from pathlib import Path

import pytest

from tests.e2e.browser import browser_program


@pytest.fixture(scope="session")
def snapshot_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshots that all tests share: the same rows give the same file."""
    return tmp_path_factory.mktemp("snapshots")


@pytest.fixture(scope="session")
def program() -> str:
    """See `browser_program`."""
    return browser_program()
