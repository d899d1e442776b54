"""`journeys retain`, through the real command and a real database."""

from tests.cli.project import Project
from tests.store import rows

OLD = "2017-03-01T09:00"
LATER = "2018-06-01"


def project_with_history(project: Project) -> Project:
    ended = rows.executions("old", "other", state="COMPLETED", due_at=None, ended_at=rows.NOW, outcome="done")
    project.store.transact(lambda transaction: transaction.add_executions(ended))
    project.store.transact(lambda transaction: transaction.add_executions(rows.executions("inside")))
    return project


def left(project: Project) -> list[str]:
    with project.store.transaction() as transaction:
        return sorted(transaction.read("executions")["execution_id"])


def test_what_went_is_told_in_counts(stored: Project) -> None:
    answer = project_with_history(stored).call("retain", "--as-of", LATER)
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[0] == "Kept whole from 2017-04-27 (UTC) on."
    assert "  executions: 2 rows removed" in lines
    assert lines[-1] == "  1 partition dropped"
    assert left(stored) == ["inside"]


def test_what_is_not_as_old_stays(stored: Project) -> None:
    answer = project_with_history(stored).call("retain", "--as-of", LATER, "--days", "600")
    assert answer.stdout.splitlines() == ["Kept whole from 2016-10-09 (UTC) on.", "  0 partitions dropped"]
    assert left(stored) == ["inside", "old", "other"]


def test_history_that_caps_need_is_not_to_be_removed(stored: Project) -> None:
    answer = stored.call("retain", "--as-of", LATER, "--days", "1")
    assert answer.exit_code == 2
    assert "1 is not in the range x>=2" in answer.stderr
