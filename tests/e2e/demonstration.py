"""The main job as a process of its own, in a project folder of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from journey_pipelines.engine.ports import JourneyStore
from tests.orchestration.project import comparable

REPOSITORY = Path(__file__).parents[2]
TABLES = ("executions", "transitions", "dispatches", "points_transactions", "campaign_executions", "events")


def make_project(folder: Path) -> Path:
    """A folder with what the main job reads of the repository."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(REPOSITORY / "journeys", folder / "journeys")
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(REPOSITORY / name, folder / name)
    return folder


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Ours without any JOURNEYS_ or DAGSTER_ variable but these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JOURNEYS_", "DAGSTER_"))}
    return {**kept, "JOURNEYS_HOME": str(folder), "PYTHONUNBUFFERED": "1", **settings}


def start_demo(folder: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    """The main job, running; its standard output and error can be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "journey_pipelines.demo", *arguments],
        cwd=folder,
        env=environment(folder, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run_demo(folder: Path, *arguments: str, **settings: str) -> str:
    """The main job until its end; gives what it said."""
    with start_demo(folder, *arguments, **settings) as process:
        said, _ = process.communicate()
    assert process.returncode == 0, said
    return said


def contents(store: JourneyStore) -> dict[str, pd.DataFrame]:
    """All rows of all tables without run ids, each table in an order that depends on no run."""
    with store.transaction() as transaction:
        return {table: comparable(transaction.read(table)) for table in TABLES}


def messages(folder: Path) -> dict[str, list[str]]:
    """What is in the outbox: lines of each file of the local outbox, sorted; a message is there once."""
    outbox = folder / ".journeys" / "outbox"
    files = (path for path in outbox.rglob("*") if path.is_file())
    return {str(path.relative_to(outbox)): sorted(path.read_text().splitlines()) for path in files}
