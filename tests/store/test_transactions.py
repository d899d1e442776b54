import threading

import pandas as pd
import pytest

from journey_pipelines.engine import frames
from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.errors import StoreError
from tests.store.rows import DOCUMENT, NOW, awards, changes, dispatches, due, executions, suppressions

SHAPES = {
    "executions": frames.EXECUTIONS,
    "transitions": frames.TRANSITIONS,
    "dispatches": frames.DISPATCHES,
    "events": frames.EVENTS,
    "starts": frames.STARTS,
    "points_transactions": frames.POINTS_TRANSACTIONS,
    "campaign_executions": frames.CAMPAIGN_EXECUTIONS,
    "campaigns": frames.CAMPAIGNS,
    "snapshots": frames.SNAPSHOTS,
    "runs": frames.RUNS,
    "holds": frames.HOLDS,
}


class BrokenOffError(Exception):
    """Something went wrong in the middle."""


def write_and_break_off(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.publish(DOCUMENT, at=NOW)
        transaction.add_executions(executions("a"))
        transaction.earn_points(awards("k"))
        transaction.add_suppressions(suppressions("a@x.example"))
        raise BrokenOffError


def test_a_block_that_raises_leaves_nothing_behind(store: JourneyStore) -> None:
    with pytest.raises(BrokenOffError):
        write_and_break_off(store)
    with store.transaction() as transaction:
        assert transaction.versions() == []
        assert transaction.read("executions").empty
        assert transaction.read("points_transactions").empty
        assert transaction.balances(pd.Index(["customer-a"])).empty
        assert transaction.suppressed("email", pd.Index(["a@x.example"])).empty


def test_a_chunk_that_fails_at_its_end_leaves_nothing_behind(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a"))
    with pytest.raises(StoreError), store.transaction() as transaction:
        transaction.save(changes(executions("a", current_node_id="mail"), updated=dispatches("nowhere")))
    with store.transaction() as transaction:
        assert transaction.read("executions")["current_node_id"].tolist() == ["wait"]


def test_a_transaction_inside_another_of_the_same_thread_is_an_error(store: JourneyStore) -> None:
    with store.transaction(), pytest.raises(StoreError, match="open already"), store.transaction():
        pass
    with store.transaction() as transaction:
        assert transaction.read("executions").empty


def test_threads_share_one_store(store: JourneyStore) -> None:
    def enter(name: str) -> None:
        with store.transaction() as transaction:
            transaction.add_executions(executions(name))

    threads = [threading.Thread(target=enter, args=(f"e{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.transaction() as transaction:
        assert sorted(transaction.read("executions")["execution_id"]) == [f"e{number}" for number in range(8)]


def test_threads_never_take_the_same_row(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions(*(f"e{number:03}" for number in range(200)), due_at=NOW))
    taken: list[str] = []

    def advance() -> None:
        while True:
            with store.transaction() as transaction:
                chunk = due(transaction, limit=7)
                if not chunk:
                    return
                transaction.save(changes(executions(*chunk, due_at=None)))
                taken.extend(chunk)

    threads = [threading.Thread(target=advance) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken))
    with store.transaction() as transaction:
        assert due(transaction) == []


@pytest.mark.parametrize("table", SHAPES)
def test_an_empty_table_has_its_shape(store: JourneyStore, table: str) -> None:
    with store.transaction() as transaction:
        found = transaction.read(table, **({"campaign_id": -1} if table == "campaigns" else {}))
    pd.testing.assert_frame_equal(found, frames.empty(SHAPES[table]), check_index_type=False)


def test_reading_takes_conditions_on_columns(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        rows = executions("a", "b", "c", visit=[1, 2, 2], outcome=["x", None, "x"], due_at=NOW)
        transaction.add_executions(rows.assign(state="COMPLETED", ended_at=pd.Timestamp(NOW)))
        assert transaction.read("executions", visit=2, outcome="x")["execution_id"].tolist() == ["c"]
        assert transaction.read("executions", outcome=None)["execution_id"].tolist() == ["b"]
        assert len(transaction.read("executions", due_at=NOW)) == 3
        assert transaction.read("executions", customer_id="' OR true --").empty


def test_reading_an_unknown_table_or_column_names_what_there_is(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        with pytest.raises(StoreError, match="no table pg_user to read; the tables are executions"):
            transaction.read("pg_user")
        with pytest.raises(StoreError, match="no column position; it has execution_id"):
            transaction.read("executions", position=1)


def test_what_was_read_is_the_callers_own(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", context=[{"list": [1]}]))
        found = transaction.read("executions")
        found.loc[0, "state"] = "FAILED"
        found["context"].iloc[0]["list"].append(2)
        assert transaction.read("executions")["context"].tolist() == [{"list": [1]}]
        assert transaction.read("executions")["state"].tolist() == ["WAITING"]


def test_what_was_written_is_the_stores_own(store: JourneyStore) -> None:
    rows = executions("a", context=[{"list": [1]}])
    with store.transaction() as transaction:
        transaction.add_executions(rows)
        rows["context"].iloc[0]["list"].append(2)
        assert transaction.read("executions")["context"].tolist() == [{"list": [1]}]
