"""Each thing that must always be true of the rows is broken once, and the doctor names it."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pandas as pd
import pytest

from journey_pipelines.engine.ports import Run
from journey_pipelines.store.doctor import Findings, examine
from journey_pipelines.store.doctor.checks import FAULTS, NOTES
from journey_pipelines.store.doctor.examination import look_at
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import MARCH, action, answers, chain, condition, edge, features, journey, wait
from tests.behaviour.busy import run_all
from tests.behaviour.passes import Passes
from tests.store.rows import awards, campaign_executions, campaigns, changes

DOCUMENT = journey(
    [
        {"id": "start", "type": "start"},
        condition("is_new", {"var": "is_new"}),
        action("hello"),
        action("bonus", "award_points"),
        wait("w", duration="P1D"),
        {"id": "done", "type": "end"},
    ],
    [
        edge("start", "is_new"),
        edge("is_new", "hello", "true"),
        edge("is_new", "done", "false"),
        edge("hello", "bonus"),
        edge("bonus", "w"),
        edge("w", "done"),
    ],
)
# customer 1 has ended, 2 stands at the wait
PEOPLE = features(["1", "2"], is_new={"1": False, "2": True})
ENDED, WAITING = "1", "2"


class UndoError(Exception):
    """Ends a transaction of which nothing is to stay."""


@pytest.fixture(scope="module")
def healthy(postgres_database: str) -> Iterator[PostgresStore]:
    """A store in which two customers have come to different places; no test keeps what it changes."""
    store = PostgresStore(postgres_database, schema="healthy")
    Passes(store, DOCUMENT, features=PEOPLE).run(MARCH)
    store.transact(lambda transaction: transaction.add_campaigns(campaigns()))
    yield store
    store.close()


def moved(transaction: Any, customer: str, **columns: Any) -> None:
    found = transaction.executions_of(customer)
    transaction.save(changes(found.assign(**columns)))


def left(transaction: Any, customer: str, **columns: Any) -> None:
    found = transaction.read("transitions", customer_id=customer).tail(1).reset_index(drop=True)
    transaction.save(changes(left=found.assign(**columns)))


def requested(transaction: Any, **columns: Any) -> None:
    found = transaction.read("dispatches", node_id="hello")
    other = found.assign(**{"visit": 2, **columns})
    transaction.save(changes(requested=other.assign(key=other["execution_id"] + ":hello:2")))


def entered(transaction: Any, customer: str, **columns: Any) -> None:
    found = transaction.executions_of(customer)
    transaction.add_executions(found.assign(**{"execution_id": "another", "entry_number": 2, **columns}))


def run_sql(transaction: Any, statement: str) -> None:
    transaction.session.execute(statement.encode())


def enter_twice(transaction: Any) -> None:
    run_sql(transaction, "DELETE FROM unfinished")
    entered(transaction, WAITING)


AT = pd.Timestamp(MARCH)
# name of the check -> what somebody or something does to the store
BREAKS: Final[dict[str, Callable[[Any], object]]] = {
    "ended_and_waiting": lambda t: moved(t, ENDED, due_at=AT),
    "ended_without_reason": lambda t: moved(t, ENDED, outcome=None),
    "ended_with_dispatch": lambda t: requested(
        t, execution_id=t.executions_of(ENDED)["execution_id"][0], status="retry"
    ),
    "action_without_dispatch": lambda t: moved(
        t, WAITING, state="IN_PROGRESS", current_node_id="bonus", due_at=pd.NaT, action_status=None
    ),
    "in_progress_elsewhere": lambda t: moved(t, WAITING, state="IN_PROGRESS", action_status="sent"),
    "waiting_for_ever": lambda t: moved(t, WAITING, due_at=pd.NaT),
    "dispatch_without_execution": lambda t: run_sql(t, "UPDATE outbox SET execution_id = 'nobody'"),
    "sending_without_run": lambda t: requested(t, status="sending", run_id="no-run"),
    "move_without_entry": lambda t: run_sql(t, "UPDATE moves SET entry_no = 1000 WHERE move_no = 1"),
    "row_lost": lambda t: run_sql(t, "DELETE FROM standing"),
    "uniqueness_lost": lambda t: run_sql(t, "DELETE FROM unfinished"),
    "wrong_bucket": lambda t: run_sql(t, "UPDATE standing SET due_at = '2000-01-01' WHERE bucket < 'infinity'"),
    "broken_path": lambda t: moved(t, WAITING, current_node_id="hello"),
    "unknown_node": lambda t: moved(t, WAITING, current_node_id="nowhere"),
    "unfinished_twice": enter_twice,
    "entry_gap": lambda t: entered(t, ENDED, entry_number=3),
    "points_without_send": lambda t: t.earn_points(awards("nothing")),
    "campaign_without_send": lambda t: t.add_campaign_executions(campaign_executions("nothing")),
    "wrong_balance": lambda t: run_sql(t, "UPDATE loyalty_accounts SET points_balance = points_balance + 1"),
    "open_runs": lambda t: t.open_run(Run("open", MARCH)),
    "unknown_sends": lambda t: requested(t, status="unknown", left_at=AT),
    "paused_inside": lambda t: t.set_status("test", "paused"),
}


def looked_at_after(store: PostgresStore, step: Callable[[Any], object]) -> Findings:
    """What the doctor finds after a step that is undone."""
    found: list[Findings] = []

    def break_and_look() -> None:
        with store.transaction() as transaction:
            step(transaction)
            found.append(look_at(transaction.session))  # type: ignore[attr-defined]
            raise UndoError

    with pytest.raises(UndoError):
        break_and_look()
    return found[0]


def test_every_check_has_its_break() -> None:
    assert list(BREAKS) == [check.name for check in (*FAULTS, *NOTES)]


@pytest.mark.parametrize("name", [check.name for check in FAULTS])
def test_a_fault_is_named(healthy: PostgresStore, name: str) -> None:
    found = {finding.check: finding for finding in looked_at_after(healthy, BREAKS[name]).faults}
    assert name in found
    assert found[name].count >= 1
    assert found[name].example in str(found[name])


@pytest.mark.parametrize("name", [check.name for check in NOTES])
def test_what_is_no_fault_is_a_note(healthy: PostgresStore, name: str) -> None:
    found = looked_at_after(healthy, BREAKS[name])
    assert [finding.check for finding in found.notes] == [name]


@pytest.mark.parametrize(
    "step",
    [
        lambda t: left(t, WAITING, node_id="bonus", visit=2),
        lambda t: left(t, WAITING, node_id="is_new", visit=2, branch="false"),
        lambda t: left(t, ENDED, node_id="done", visit=2),
        lambda t: moved(t, ENDED, current_node_id="start"),
    ],
    ids=["twice", "by another branch", "out of the end again", "back"],
)
def test_a_step_that_no_edge_allows_is_a_broken_path(healthy: PostgresStore, step: Callable[[Any], object]) -> None:
    assert "broken_path" in {finding.check for finding in looked_at_after(healthy, step).faults}


def test_a_healthy_store_has_neither(healthy: PostgresStore) -> None:
    found = examine(healthy)
    assert (found.faults, found.notes) == ([], [])
    assert found.as_json() == {"is_sound": True, "checks": len(BREAKS), "faults": [], "notes": []}


def test_a_busy_store_holds_together_through_retries_cycles_versions_and_unknown_sends(
    postgres_store: PostgresStore,
) -> None:
    postgres_store.transact(lambda transaction: transaction.add_campaigns(campaigns()))
    run_all(postgres_store, 60)
    assert [str(finding) for finding in examine(postgres_store).faults] == []


def test_an_unknown_send_is_told_since_when(postgres_store: PostgresStore) -> None:
    Passes(postgres_store, chain(action("a")), deliver=answers("unknown")).run(MARCH)
    [note] = examine(postgres_store).notes
    assert str(note).startswith("dispatches: 1 left and nobody knows what became of it (it is ")
    assert ":a:1, since 2017-03-01 12:00 UTC). Each run asks the provider again" in str(note)
