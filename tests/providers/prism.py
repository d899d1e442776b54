"""Prism between a module and a fake: judges every request and every answer by a vendor's OpenAPI document."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.providers.loopback import free_port

FOLDER = Path(__file__).parents[1] / "prism"
PROGRAM = FOLDER / "node_modules/@stoplight/prism-cli/dist/index.js"
DOCUMENTS = Path(__file__).parents[3] / "shared/provider-specs"
SECONDS_TO_START = 60


def require(document):
    """The vendor's document. Skips where it or Prism is absent; fails where JOURNEYS_REQUIRE_PRISM asks for Prism."""
    found = DOCUMENTS / document
    if not found.is_file():
        pytest.skip(f"the vendors' OpenAPI documents are not beside the project ({document})")
    if not PROGRAM.is_file() or shutil.which("node") is None:
        missing = "Prism is not installed; install it with: npm ci --prefix tests/prism"
        if os.environ.get("JOURNEYS_REQUIRE_PRISM"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@contextmanager
def prism(document, upstream, log):
    """URL of a Prism in front of `upstream`, which answers with an error to what breaks the document, and logs it."""
    port = free_port()
    command = ["node", str(PROGRAM), "proxy", "--errors", "-h", "127.0.0.1", "-p", str(port), str(document), upstream]
    with log.open("w") as opened, subprocess.Popen(command, stdout=opened, stderr=subprocess.STDOUT) as process:
        try:
            _wait_until_it_listens(port, process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_until_it_listens(port, process, log):
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())
