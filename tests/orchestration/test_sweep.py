"""The job `advance_due`, between the runs of the days."""

from datetime import UTC, datetime

import pandas as pd

from journey_pipelines.engine.frames import STARTS, conform
from tests.orchestration.project import DAY, NEXT_DAY, Project


def queue_start(project: Project, at: datetime) -> None:
    row = {
        "start_id": "by-hand",
        "journey_key": "welcome",
        "customer_id": "1",
        "at": pd.Timestamp(at),
        "context": {},
        "status": "waiting",
    }
    with project.installation.store.transaction() as transaction:
        transaction.add_starts(conform(pd.DataFrame([row]), STARTS))


def sweep(project: Project, at: datetime) -> None:
    config = {"ops": {"advance_due_executions": {"config": {"as_of": at.isoformat()}}}}
    assert project.run_job("advance_due", run_config=config).success


def test_a_manual_start_enters_at_the_next_sweep_and_its_message_waits_in_the_outbox(project: Project) -> None:
    project.publish()
    project.run_day(DAY)
    queue_start(project, datetime(2017, 3, 2, 0, 3, tzinfo=UTC))
    sweep(project, datetime(2017, 3, 2, 0, 5, tzinfo=UTC))
    assert project.rows("executions")["customer_id"].tolist() == ["1"]
    assert project.rows("dispatches")["status"].tolist() == ["pending"]


def test_a_sweep_after_midnight_does_not_supersede_the_day_that_is_still_to_be_run(project: Project) -> None:
    project.publish()
    project.run_day(DAY)
    queue_start(project, datetime(2017, 3, 3, 0, 3, tzinfo=UTC))
    sweep(project, datetime(2017, 3, 3, 0, 5, tzinfo=UTC))
    project.run_day(NEXT_DAY)
    assert set(project.rows("executions")["entered_via"]) == {"entry", "manual"}
