"""The figures behind the asset checks, over small frames."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from assets.soundness import check_guards, conservation, is_overdue
from journey_pipelines.engine.bands import Band, Figure
from journey_pipelines.engine.frames import EXECUTIONS, conform
from journey_pipelines.engine.passes import Report
from journey_pipelines.engine.ports import Run

NOON = datetime(2017, 3, 2, 12, tzinfo=UTC)
ACTIVE = {"state": "WAITING"}
COMPLETED = {"state": "COMPLETED", "ended_at": pd.Timestamp(NOON), "outcome": "done"}
FAILED = {"state": "FAILED", "ended_at": pd.Timestamp(NOON), "failure": "customer_gone: no row"}


def executions(*rows: dict[str, Any]) -> pd.DataFrame:
    known = {"journey_key": "test", "journey_version": 1, "entry_number": 1, "visit": 1}
    return conform(pd.DataFrame([{**known, **row} for row in rows]), EXECUTIONS)


def test_whoever_entered_is_active_completed_or_failed() -> None:
    figures = conservation(executions(ACTIVE, COMPLETED, COMPLETED, FAILED))
    assert figures.loc["test"].to_dict() == {"entered": 4, "active": 1, "completed": 2, "failed": 1}


@pytest.mark.parametrize(
    "lost",
    [
        {"state": "COMPLETED", "ended_at": pd.Timestamp(NOON)},
        {"state": "WAITING", "ended_at": pd.Timestamp(NOON)},
        {"state": "GONE"},
    ],
)
def test_a_state_without_what_belongs_to_it_is_not_counted(lost: dict[str, Any]) -> None:
    figures = conservation(executions(ACTIVE, lost)).loc["test"]
    assert figures["entered"] > figures["active"] + figures["completed"] + figures["failed"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"due_at": pd.Timestamp(NOON)}, True),
        ({"due_at": pd.Timestamp(NOON + timedelta(seconds=1))}, False),
        ({"action_status": "sent"}, True),
        ({"due_at": pd.Timestamp(NOON), "missing_since": pd.Timestamp(NOON)}, False),
        ({"waiting_for": "customer.purchase"}, False),
    ],
)
def test_overdue_is_who_could_go_on_by_themselves(row: dict[str, Any], expected: bool) -> None:
    assert is_overdue(executions({"state": "WAITING", **row}), NOON).tolist() == [expected]


def test_the_guards_check_has_the_figures_beside_the_forecast() -> None:
    figure = Figure("entrants", 40, Band(3, 12), [date(2017, 3, 1)])
    report = Report(Run("r1", datetime(2017, 3, 1, tzinfo=UTC)), held={"welcome": "outside_band"})
    report.figures["welcome"] = [figure]
    result = check_guards("entries", report)
    assert not result.passed
    table = result.metadata["forecast"]
    assert isinstance(table, dg.TableMetadataValue)
    [row] = table.records
    assert row.data == {
        "journey": "welcome",
        "what": "entrants",
        "found": 40,
        "low": 3,
        "high": 12,
        "day": "a Wednesday",
        "is_outside": True,
    }
