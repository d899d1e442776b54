"""Dagster's web server over a project."""

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

from tests.e2e.demonstration import environment

UP_WITHIN_SECONDS = 120


def dagster_home(project: Path) -> Path:
    """The project's DAGSTER_HOME, made."""
    home = project / ".journeys" / "dagster"
    home.mkdir(parents=True)
    shutil.copy(project / "dagster.yaml", home / "dagster.yaml")
    return home


@contextmanager
def user_interface(project: Path, settings: dict[str, str]) -> Iterator[str]:
    """Dagster's web server over the project, on a free port of the loopback; ended with everything it started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = project / ".journeys" / "dagster"
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
