"""What cancelling makes of an execution and its dispatch; on a store in memory."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.engine.cancel import cancel_executions
from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, TRANSITIONS, conform, empty
from journey_pipelines.engine.ports import Changes
from journey_pipelines.errors import JourneysError, NotFoundError
from journey_pipelines.store.memory import MemoryStore

NOW = datetime(2017, 3, 5, tzinfo=UTC)
IDS = pd.Index(["e1"], dtype="str")


def store_with(status: str, **changes: Any) -> MemoryStore:
    """A store with one execution at an action, whose dispatch has this status."""
    own = {"execution_id": ["e1"], "journey_key": "welcome", "journey_version": 1, "customer_id": "1"}
    execution = {"entry_number": 1, "entered_via": "entry", "state": "IN_PROGRESS", "current_node_id": "email"}
    frame = pd.DataFrame({**own, **execution, "visit": 1, "entered_at": pd.Timestamp(NOW), **changes})
    sent = {"key": "e1:email:1", "node_id": "email", "visit": 1, "action_type": "send_email", "priority": 0}
    dispatch = pd.DataFrame({**own, **sent, "status": status, "attempt": 1, "requested_at": pd.Timestamp(NOW)})
    store = MemoryStore()
    with store.transaction() as transaction:
        transaction.add_executions(conform(frame, EXECUTIONS))
        changed = Changes(
            executions=empty(EXECUTIONS),
            transitions=empty(TRANSITIONS),
            dispatches=conform(dispatch, DISPATCHES),
            dispatch_updates=empty(DISPATCHES),
            used_event_ids=pd.Index([], dtype="str"),
        )
        transaction.save(changed)
    return store


def after_cancelling(store: MemoryStore) -> tuple[dict[str, Any], dict[str, Any]]:
    """The execution and the dispatch, cancelled."""
    with store.transaction() as transaction:
        cancel_executions(transaction, IDS, at=NOW)
    with store.transaction() as transaction:
        execution, dispatch = (transaction.read(table).to_dict("records")[0] for table in ("executions", "dispatches"))
    return execution, dispatch


@pytest.mark.parametrize("status", ["pending", "retry"])
def test_what_has_not_left_is_skipped(status: str) -> None:
    execution, dispatch = after_cancelling(store_with(status))
    assert (execution["state"], execution["outcome"], execution["ended_at"]) == ("COMPLETED", "cancelled", NOW)
    assert (dispatch["status"], dispatch["reason"], dispatch["settled_at"]) == ("skipped", "cancelled", NOW)
    assert dispatch["result"]["success"] is False


def test_what_may_have_left_counts_as_sent_without_proof() -> None:
    _, dispatch = after_cancelling(store_with("unknown"))
    assert dispatch["status"] == "sent"
    assert dispatch["result"]["confirmed"] is False


def test_what_was_sent_stays_sent() -> None:
    _, dispatch = after_cancelling(store_with("sent"))
    assert (dispatch["status"], dispatch["reason"]) == ("sent", pytest.approx(float("nan"), nan_ok=True))


def test_what_is_being_delivered_is_left_alone() -> None:
    store = store_with("sending")
    with pytest.raises(JourneysError, match="being delivered"), store.transaction() as transaction:
        cancel_executions(transaction, IDS, at=NOW)
    with store.transaction() as transaction:
        assert transaction.read("executions")["state"].tolist() == ["IN_PROGRESS"]


def test_an_ended_execution_is_not_cancelled() -> None:
    store = store_with("sent", state="FAILED", ended_at=pd.Timestamp(NOW))
    with pytest.raises(JourneysError, match="has ended already"), store.transaction() as transaction:
        cancel_executions(transaction, IDS, at=NOW)


def test_an_unknown_execution_is_not_cancelled() -> None:
    with pytest.raises(NotFoundError, match="e2"), store_with("sent").transaction() as transaction:
        cancel_executions(transaction, pd.Index(["e1", "e2"], dtype="str"), at=NOW)
