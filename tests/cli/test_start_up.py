"""The command line starts without what it does not need, and all its commands load."""

import subprocess
import sys
from pathlib import Path

import pytest

from journey_pipelines.cli.program import COMMANDS
from tests.cli.project import Project

HEAVY = ("dagster", "sklearn", "matplotlib", "pandas", "psycopg", "duckdb", "sqlalchemy")


def modules_after(statement: str, folder: Path) -> set[str]:
    """The modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys\nfrom journey_pipelines.cli import main, journeys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_help_loads_no_library_of_weight(tmp_path: Path) -> None:
    loaded = modules_after("journeys(['--help'], standalone_mode=False)", tmp_path)
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "call", ["['status', '--help']", "['run', '--help']", "['dev', '--help']", "['validate', 'x.yaml']"]
)
def test_no_command_loads_dagster_or_a_learning_library(tmp_path: Path, call: str) -> None:
    statement = f"try: journeys({call})\nexcept SystemExit: pass"
    assert modules_after(statement, tmp_path).isdisjoint({"dagster", "sklearn", "matplotlib"})


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(project: Project, command: str) -> None:
    answer = project.call(command, "--help")
    assert answer.exit_code == 0
    assert answer.stdout.startswith(f"Usage: journeys {command}")
