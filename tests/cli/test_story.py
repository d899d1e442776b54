"""The story of one execution in sentences."""

from typing import Any

import pandas as pd
import pytest

from journey_pipelines.cli.story import tell

AT = pd.Timestamp("2017-03-01 10:00", tz="UTC")
DOCUMENT = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "mail", "type": "action"},
        {"id": "asked", "type": "condition"},
        {"id": "drawn", "type": "split"},
        {"id": "pause", "type": "wait"},
        {"id": "done", "type": "end"},
    ]
}


def execution(**changes: Any) -> dict[str, Any]:
    own = {"execution_id": "e1", "journey_key": "welcome", "journey_version": 2, "customer_id": "7"}
    state = {"state": "WAITING", "current_node_id": "pause", "waiting_for": float("nan"), "due_at": AT}
    ends = {"entered_via": "entry", "entered_at": AT, "ended_at": pd.NaT, "outcome": float("nan"), "failure": None}
    return {**own, **state, **ends, **changes}


def left(node_id: str, branch: str | None = None) -> dict[str, Any]:
    return {"node_id": node_id, "visit": 1, "branch": branch, "at": AT, "run_id": "r1", "snapshot_id": "features@x"}


def dispatch(status: str, **changes: Any) -> dict[str, Any]:
    own = {"node_id": "mail", "visit": 1, "action_type": "send_email", "status": status, "attempt": 1, "result": {}}
    times = {"requested_at": AT, "left_at": AT, "settled_at": AT, "next_at": pd.NaT}
    return {**own, **times, "reason": float("nan"), "run_id": "r1", "snapshot_id": "features@x", **changes}


@pytest.mark.parametrize(
    ("transition", "sentence"),
    [
        (left("asked", "true"), "At the condition asked they took the branch 'true' (run r1, snapshot features@x)."),
        (left("drawn", "a"), "At the split drawn chance put them into the branch 'a'."),
        (left("pause", "timeout"), "The wait pause ended by its timeout (run r1, snapshot features@x)."),
        (left("pause"), "The wait pause ended (run r1, snapshot features@x)."),
        (left("mail", "failed"), "From mail they took the branch 'failed' (run r1, snapshot features@x)."),
        (left("done"), "They reached the end done."),
    ],
)
def test_each_node_that_was_left_has_its_sentence(transition: dict[str, Any], sentence: str) -> None:
    assert tell(execution(), [left("start"), transition], [], DOCUMENT)[2].endswith(sentence)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (dispatch("sent"), "send_email at mail was done."),
        (dispatch("sent", attempt=2), "send_email at mail was done at attempt 2."),
        (dispatch("sent", result={"confirmed": False}), "was done, though the provider never confirmed it."),
        (
            dispatch("skipped", reason="no_consent"),
            "was skipped: no_consent (the profile refuses messages of this kind).",
        ),
        (dispatch("failed", reason="bad_address"), "failed: bad_address."),
        (dispatch("retry", next_at=AT), "failed for the moment; it waits until 2017-03-01 10:00 UTC for its next try."),
        (dispatch("unknown", next_at=AT), "is not known; it is looked at again, until 2017-03-01 10:00 UTC."),
        (dispatch("sending"), "is being delivered."),
        (dispatch("pending"), "has not left yet; it waits until the next run."),
    ],
)
def test_each_status_of_a_dispatch_has_its_sentence(row: dict[str, Any], sentence: str) -> None:
    assert tell(execution(), [], [row], DOCUMENT)[3].endswith(sentence)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "They wait at pause until 2017-03-01 10:00 UTC."),
        ({"waiting_for": "visit", "due_at": pd.NaT}, "They wait at pause for visit."),
        ({"state": "COMPLETED", "outcome": "done", "ended_at": AT}, "The execution completed at done."),
        ({"state": "COMPLETED", "outcome": "goal", "ended_at": AT}, "The execution met the journey's goal."),
        ({"state": "COMPLETED", "outcome": "cancelled", "ended_at": AT}, "The execution was cancelled."),
        (
            {"state": "FAILED", "failure": "customer_gone: no row", "ended_at": AT},
            "failed at pause: customer_gone: no row.",
        ),
        ({"state": "NOT_STARTED"}, "They have not been moved yet; the next run does."),
        ({"state": "IN_PROGRESS"}, "They are at pause, whose action is not settled yet."),
    ],
)
def test_each_state_has_its_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert tell(execution(**changes), [], [], DOCUMENT)[-1].endswith(sentence)


def test_a_dispatch_is_told_before_its_node_is_left() -> None:
    lines = tell(execution(), [left("start"), left("mail"), left("asked", "false")], [dispatch("sent")], DOCUMENT)
    assert [line.rpartition("  ")[2].split()[0] for line in lines[2:5]] == ["send_email", "send_email", "At"]
