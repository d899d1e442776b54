"""`journeys dev` with real processes."""

import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from journey_pipelines.store.removal import remove_embedded
from tests.cli.project import Project

ROOT = Path(__file__).parents[2]
READY_SECONDS = 180.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(tmp_path: Path, sample_url: str, number: signal.Signals) -> None:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    tmp_path.joinpath("little.py").write_text("import dagster as dg\n\ndefs = dg.Definitions()\n")
    tmp_path.joinpath("workspace.yaml").write_text("load_from:\n  - python_file: little.py\n")
    port = free_port()
    command = [str(Path(sys.executable).with_name("journeys")), "dev", "--port", str(port)]
    environment = {**Project(tmp_path, "", sample_url).environment, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    log = tmp_path / "dev.log"
    try:
        with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as dev:
            give_up_at = time.monotonic() + READY_SECONDS
            while not answers(port) and dev.poll() is None and time.monotonic() < give_up_at:
                time.sleep(0.2)
            was_ready = answers(port)
            dev.send_signal(number)
            code = dev.wait(timeout=60)
        assert was_ready, log.read_text()
        assert code == 0, log.read_text()
        assert f"http://127.0.0.1:{port}" in log.read_text()
        assert not answers(port)
    finally:
        remove_embedded(tmp_path)


def test_a_folder_without_a_workspace_is_named(project: Project) -> None:
    shutil.copy(ROOT / "dagster.yaml", project.home)
    answer = Project(project.home, project.store_url, "duckdb:///elsewhere").call("dev")
    assert answer.exit_code == 1
    assert "workspace.yaml" in answer.stderr


def test_a_folder_without_dagsters_configuration_is_named(project: Project) -> None:
    answer = project.call("dev")
    assert answer.exit_code == 1
    assert "dagster.yaml" in answer.stderr


def test_a_port_that_is_taken_is_named(project: Project) -> None:
    shutil.copy(ROOT / "dagster.yaml", project.home)
    shutil.copy(ROOT / "workspace.yaml", project.home)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = Project(project.home, project.store_url, "duckdb:///elsewhere").call("dev", "--port", str(port))
    assert answer.exit_code == 1
    assert f"Port {port}" in answer.stderr
