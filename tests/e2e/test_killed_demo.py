"""The main job, killed in the middle and run again, against one that nobody disturbed."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from journey_pipelines.store.embedded import embedded_postgres
from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.store.removal import remove_embedded
from tests.e2e.demonstration import contents, make_project, messages, run_demo, start_demo

DAYS = ("--days", "3")
DELAYS = (0.4, 1.3, 2.2)  # seconds into a day at which it is killed, each time somewhere else


@pytest.fixture
def projects() -> Iterator[tuple[Path, Path]]:
    """Two projects, each with an embedded Postgres of its own."""
    folder = Path(tempfile.mkdtemp(prefix="jp-e2e-"))
    folder.chmod(0o755)
    pair = make_project(folder / "undisturbed"), make_project(folder / "killed")
    try:
        yield pair
    finally:
        for project in pair:
            remove_embedded(project)
        shutil.rmtree(folder)


@pytest.mark.timeout(900)
def test_killed_in_the_middle_and_run_again_it_ends_in_the_same_rows(
    projects: tuple[Path, Path], sample_path: Path, snapshot_folder: Path
) -> None:
    undisturbed, killed = projects
    settings = {"JOURNEYS_WAREHOUSE_URL": f"duckdb:///{sample_path}"}
    run_demo(undisturbed, *DAYS, **settings, JOURNEYS_SNAPSHOTS=str(snapshot_folder))
    for delay in DELAYS:
        kill_inside_a_day(start_demo(killed, *DAYS, **settings), after_seconds=delay)
    said = run_demo(killed, *DAYS, **settings)
    assert "Partitions run: 3 of 3" in said
    with opened(undisturbed) as expected_store, opened(killed) as found_store:
        expected, found = contents(expected_store), contents(found_store)
    assert len(expected["dispatches"])
    for table, rows in expected.items():
        pd.testing.assert_frame_equal(found[table], rows, obj=table)
    assert messages(killed) == messages(undisturbed)


def kill_inside_a_day(process: subprocess.Popen[str], *, after_seconds: float) -> None:
    """Wait until it has begun its days, let some seconds pass, then kill its whole session with SIGKILL."""
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(("Running", "2017-03-")):
                break
        time.sleep(after_seconds)
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def opened(project: Path) -> Iterator[PostgresStore]:
    with embedded_postgres(project) as server:
        store = PostgresStore(server.url)
        yield store
        store.close()
