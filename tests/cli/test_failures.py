"""Whatever goes wrong ends as a sentence and an exit code, never as a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from journey_pipelines.cli.failures import Failure, sentences
from tests.cli.project import Project


def test_an_unreachable_database_is_named_in_one_sentence(project: Project) -> None:
    answer = project.call("status")
    assert answer.exit_code == 1
    assert "127.0.0.1" in answer.stderr
    assert "Traceback" not in answer.output


def test_a_missing_warehouse_is_named_with_the_next_step(project: Project) -> None:
    answer = project.call("publish", project.document())
    assert answer.exit_code == 1
    assert "warehouse.duckdb does not exist" in answer.stderr
    assert "JOURNEYS_WAREHOUSE_URL" in answer.stderr


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    answer = Project(tmp_path, store_url="mysql://somewhere").call("status")
    assert answer.exit_code == 1
    assert "JOURNEYS_STORE_URL" in answer.stderr


def test_an_unexpected_error_leaves_its_traceback_in_a_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNEYS_HOME", str(project.home))
    with pytest.raises(Failure, match="ZeroDivisionError: surprising") as caught, sentences():
        raise ZeroDivisionError("surprising")
    assert caught.value.exit_code == 1
    written = next((project.home / ".journeys" / "logs").glob("*.log"))
    assert str(written) in caught.value.message
    assert "Traceback" in written.read_text()


@pytest.mark.parametrize(
    ("date", "complaint"),
    [
        ("2017-02-30", "is no date"),
        ("01/03/2017", "is no date"),
        ("", "is no date"),
        ("2999-01-01", "has not ended yet"),
    ],
)
def test_a_wrong_date_is_refused(project: Project, date: str, complaint: str) -> None:
    answer = project.call("run", "--date", date)
    assert answer.exit_code == 2
    assert complaint in answer.stderr


@pytest.mark.parametrize("time", ["yesterday", "2017-13-01T00:00", "2999-01-01"])
def test_a_wrong_time_is_refused(project: Project, time: str) -> None:
    answer = project.call("advance", "--as-of", time)
    assert answer.exit_code == 2
    assert time in answer.stderr


def test_an_as_of_before_the_day_is_refused(project: Project) -> None:
    answer = project.call("run", "--date", "2017-03-02", "--as-of", "2017-03-01T12:00")
    assert answer.exit_code == 2
    assert "before the day 2017-03-02" in answer.stderr


def test_an_unknown_command_is_wrong_usage(project: Project) -> None:
    answer = project.call("publsh")
    assert answer.exit_code == 2
    assert "publsh" in answer.stderr


def test_the_installed_program_says_the_same(project: Project) -> None:
    program = Path(sys.executable).with_name("journeys")
    done = subprocess.run([program, "status"], env=project.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
