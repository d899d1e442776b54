"""The job `history_retention`."""

import dagster as dg

from tests.orchestration.project import Project
from tests.store import rows


def test_the_job_removes_old_history_and_tells_it_in_counts(project: Project) -> None:
    store = project.installation.store
    old = rows.executions("old", state="COMPLETED", due_at=None, ended_at=rows.NOW, outcome="done")
    for frame in (old, rows.executions("inside")):
        store.transact(lambda transaction, frame=frame: transaction.add_executions(frame))
    config = {"ops": {"remove_old_history": {"config": {"as_of": "2018-06-01T00:00:00+00:00"}}}}
    done = project.run_job("history_retention", run_config=config)
    assert done.success
    assert done.output_for_node("remove_old_history")["executions"] == 1
    assert project.rows("executions")["execution_id"].tolist() == ["inside"]
    [output] = done.filter_events(lambda event: event.event_type == dg.DagsterEventType.STEP_OUTPUT)
    told = {name: value.value for name, value in output.step_output_data.metadata.items()}
    assert (told["kept_from"], told["kept_days"], told["executions"]) == ("2017-04-27", 400, 1)
    assert "old" not in str(told)
