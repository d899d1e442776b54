"""`journeys bench advance`, `enrol` and `growth` check what they ran, and say what they measured."""

import json
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from journey_pipelines.bench import durable
from journey_pipelines.cli.program import journeys
from tests.cli.project import Project
from tests.cli.test_live_commands import done


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made; the test sees what is left of them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_an_advance_is_measured_against_its_floor_and_others(temporary_folder: Path) -> None:
    command = ["bench", "advance", "--rows", "300", "--stored", "500", "--scattered", "--rounds", "2", "--json"]
    finished = CliRunner().invoke(journeys, command, catch_exceptions=False)
    found = json.loads(finished.stdout)
    others = ["dbos"] if durable.is_installed() else []
    assert list(found["measured"]) == ["ours", "floor", "plain", "ours_in_processes", *others]
    assert [one["rows"] for one in found["measured"].values()] == [300] * (4 + len(others))
    assert all(ratio > 0 for ratio in found["ratios"].values())
    assert found["measured"]["ours"]["wal_bytes_per_row"] > found["measured"]["floor"]["wal_bytes_per_row"] > 0
    assert found["layout"]["tables"]["entries"]["indexes"] == 3
    assert not list(temporary_folder.iterdir())


def test_more_due_rows_than_stored_ones_are_refused() -> None:
    finished = CliRunner().invoke(journeys, ["bench", "advance", "--rows", "300", "--stored", "200"])
    assert "200 stored executions cannot hold 300 due ones" in finished.stderr


def test_an_enrolment_is_checked_against_pandas(temporary_folder: Path) -> None:
    finished = CliRunner().invoke(journeys, ["bench", "enrol", "--candidates", "2000", "--rounds", "1"])
    assert "2,000 candidates, 41 entrants, best of 1 round" in finished.stdout
    assert "against the selection in pandas" in finished.stdout
    assert not list(temporary_folder.iterdir())


def test_growth_is_measured_run_by_run_until_as_much_goes_as_comes(temporary_folder: Path) -> None:
    command = ["bench", "growth", "--runs", "10", "--rows", "40", "--json"]
    found = json.loads(CliRunner().invoke(journeys, command, catch_exceptions=False).stdout)
    days = found["days"]
    assert [day["ledger"]["rows"] for day in days] == [40 * (number + 1) for number in range(10)]
    removed = [day["retention"]["removed"].get("executions", 0) for day in days]
    assert removed[:4] == [0] * 4
    assert abs(sum(removed[7:]) - 3 * 40) < 20
    assert [day["ledger"]["rows"] for day in found["young"]] == [40 * 3, 40 * 4]
    assert found["ratios"].keys() >= {"table_bytes", "index_bytes", "run_cpu_seconds", "run_wall_seconds"}
    assert not list(temporary_folder.iterdir())


def test_sending_is_measured_beside_the_libraries_used_plainly() -> None:
    command = ["bench", "dispatch", "--rows", "200", "--rounds", "1", "--json"]
    found = json.loads(CliRunner().invoke(journeys, command, catch_exceptions=False).stdout)
    rows = {name: one["rows"] for name, one in found["measured"].items()}
    assert rows == {"sendgrid": 200, "sendgrid_plain": 200, "twilio": 20, "twilio_plain": 20}
    assert 0 < found["ratios"]["sendgrid_cpu_to_plain"] < 1
    assert found["ratios"]["twilio_cpu_to_plain"] > 0


def test_a_replay_is_measured_over_more_customers_than_there_are(stored: Project, temporary_folder: Path) -> None:
    days = ("--from", "2017-03-01", "--to", "2017-03-04")
    journey = str(Path(__file__).parents[2] / "journeys" / "welcome.yaml")
    done(stored, "replay", journey, *days, "--build")
    before = set(temporary_folder.iterdir())
    found = json.loads(done(stored, "bench", "replay", journey, *days, "--customers", "4000", "--json"))
    own, drawn = found["own"], found["drawn"]
    assert drawn["customer_days"] > own["customer_days"] > 0
    assert drawn["entered"]["welcome"] > own["entered"]["welcome"] > 0
    assert drawn["rows_per_second"] > 0
    assert drawn["peak_mib"] > 0
    again = json.loads(done(stored, "bench", "replay", journey, *days, "--customers", "4000", "--json"))
    assert (again["drawn"]["hash"], again["own"]["hash"]) == (drawn["hash"], own["hash"])
    assert set(temporary_folder.iterdir()) == before
    said = done(stored, "bench", "replay", journey, *days, "--customers", "10")
    assert "4 days, 10 customers" in said
