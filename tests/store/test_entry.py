import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.errors import StoreError
from tests.store.rows import HOUR, NOW, executions, ids, starts


def test_new_executions_are_told_in_their_order(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.add_executions(executions("b", "a", "c")).tolist() == ["b", "a", "c"]
        assert transaction.read("executions")["execution_id"].tolist() == ["b", "a", "c"]


def test_an_execution_id_enters_once(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", state="COMPLETED", ended_at=NOW))
        assert transaction.add_executions(executions("a", "b")).tolist() == ["b"]
        assert transaction.read("executions")["state"].tolist() == ["COMPLETED", "WAITING"]


def test_the_first_of_two_equal_ids_enters(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        rows = executions("a", "a", customer_id=["one", "two"])
        assert transaction.add_executions(rows).tolist() == ["a"]
        assert transaction.read("executions")["customer_id"].tolist() == ["one"]


def test_a_second_unfinished_execution_of_a_customer_is_left_out(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", customer_id="x"))
        assert transaction.add_executions(executions("b", "c", customer_id=["x", "y"])).tolist() == ["c"]


def test_the_first_of_two_unfinished_executions_in_one_batch_enters(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.add_executions(executions("a", "b", customer_id="x")).tolist() == ["a"]


def test_another_journey_does_not_stand_in_the_way(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        rows = executions("a", "b", customer_id="x", journey_key=["welcome", "retention"])
        assert transaction.add_executions(rows).tolist() == ["a", "b"]


def test_a_finished_execution_does_not_stand_in_the_way(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", customer_id="x", state="FAILED", ended_at=NOW))
        assert transaction.add_executions(executions("b", customer_id="x", entry_number=2)).tolist() == ["b"]


def test_adding_nobody_adds_nobody(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.add_executions(executions()).empty


@pytest.mark.parametrize(("state", "ended_at"), [("COMPLETED", None), ("WAITING", NOW)])
def test_an_end_comes_with_its_time(store: JourneyStore, state: str, ended_at: object) -> None:
    with pytest.raises(StoreError, match="execution"), store.transaction() as transaction:
        transaction.add_executions(executions("a", state=state, ended_at=ended_at))


def test_entries_tell_the_last_entry_of_each_customer(store: JourneyStore) -> None:
    rows = executions(
        "a2", "a1", "b1",
        customer_id=["a", "a", "b"],
        entry_number=[2, 1, 1],
        entered_at=[NOW, NOW - HOUR, NOW - 2 * HOUR],
        state=["WAITING", "COMPLETED", "COMPLETED"],
        ended_at=[None, NOW, NOW],
    )  # fmt: skip
    with store.transaction() as transaction:
        transaction.add_executions(rows)
        found = transaction.entries("welcome", ids("b", "a", "never"))
    assert found["customer_id"].tolist() == ["a", "b"]
    assert found["entry_number"].tolist() == [2, 1]
    assert found["entered_at"].tolist() == [NOW, NOW - 2 * HOUR]
    assert found["is_unfinished"].tolist() == [True, False]


def test_entries_of_another_journey_do_not_count(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", journey_key="retention"))
        found = transaction.entries("welcome", ids("customer-a"))
    assert found.empty
    assert found.dtypes.astype(str).to_dict() == {
        "customer_id": "str", "entry_number": "int64", "entered_at": "datetime64[us, UTC]", "is_unfinished": "bool",
    }  # fmt: skip


def test_a_start_is_queued_once(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.add_starts(starts("a", "b")) == 2
        assert transaction.add_starts(starts("b", "c")) == 1


def test_waiting_starts_come_when_their_time_has_come(store: JourneyStore) -> None:
    rows = starts(
        "d", "c", "b", "a", "other", "done",
        at=[NOW, NOW, NOW - HOUR, NOW + HOUR, NOW, NOW],
        journey_key=["welcome"] * 4 + ["retention", "welcome"],
        status=["waiting"] * 5 + ["entered"],
        context=[{"source": "till"}] * 6,
    )  # fmt: skip
    with store.transaction() as transaction:
        transaction.add_starts(rows)
        found = transaction.waiting_starts("welcome", NOW)
    assert found["start_id"].tolist() == ["b", "c", "d"]
    assert found["context"].tolist() == [{"source": "till"}] * 3


def test_a_settled_start_waits_no_more(store: JourneyStore) -> None:
    settled = pd.DataFrame({"start_id": ["b", "a"], "status": ["refused", "entered"], "reason": ["reentry", None]})
    with store.transaction() as transaction:
        transaction.add_starts(starts("a", "b"))
        transaction.settle_starts(settled)
        assert transaction.waiting_starts("welcome", NOW).empty
        stored = transaction.read("starts")
    assert stored["status"].tolist() == ["entered", "refused"]
    assert stored["reason"].fillna("").tolist() == ["", "reentry"]


def test_an_unknown_start_cannot_be_settled(store: JourneyStore) -> None:
    settled = pd.DataFrame({"start_id": ["a"], "status": ["entered"], "reason": [None]})
    with pytest.raises(StoreError, match="start"), store.transaction() as transaction:
        transaction.settle_starts(settled)
