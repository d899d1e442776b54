from typing import Any

import pandas as pd
import pytest

from journey_pipelines.engine.frames import EXECUTIONS
from journey_pipelines.engine.ports import JourneyStore, StoreTransaction
from journey_pipelines.engine.shards import ALL, SHARDS, shard_of
from journey_pipelines.errors import StoreError
from journey_pipelines.store.postgres import PostgresStore
from tests.store.rows import HOUR, NOW, changes, dispatches, due, events, executions, ids, request, transitions

WAITING = {"waiting_for": "purchase", "events_since": NOW - HOUR, "due_at": NOW + HOUR}


def test_an_execution_is_due_at_its_due_time(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", "b", "c", due_at=[NOW - HOUR, NOW, NOW + HOUR]))
        assert due(transaction) == ["a", "b"]


def test_a_known_result_is_due_whatever_the_time(store: JourneyStore) -> None:
    rows = executions("a", "b", "c", "d", "e", due_at=None, action_status=["sent", "skipped", "failed", "retry", None])
    with store.transaction() as transaction:
        transaction.add_executions(rows)
        assert due(transaction) == ["a", "b", "c"]


def test_what_is_not_known_yet_is_due_at_its_time(store: JourneyStore) -> None:
    rows = executions("a", "b", "c", due_at=[NOW, NOW, NOW + HOUR], action_status=["deferred", "unknown", "unknown"])
    with store.transaction() as transaction:
        transaction.add_executions(rows)
        assert due(transaction) == ["a", "b"]


def test_results_only_leaves_out_what_is_due_otherwise(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", "b", due_at=NOW, action_status=[None, "sent"]))
        assert due(transaction, results_only=True) == ["b"]


def test_a_customer_missing_for_long_is_due(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", "b", missing_since=[NOW - HOUR, NOW]))
        assert due(transaction, missing_before=NOW - HOUR) == ["a"]


def test_an_event_that_is_waited_for_makes_due(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", "b", **WAITING))
        transaction.add_events(events("e"))
        assert due(transaction) == ["a"]


@pytest.mark.parametrize(
    "event",
    [
        {"event_type": "visit"},
        {"customer_id": "customer-b"},
        {"occurred_at": NOW - HOUR},
        {"occurred_at": NOW + HOUR, "received_at": NOW},
        {"received_at": NOW + HOUR},
    ],
    ids=["of another type", "of another customer", "at the arrival", "in the future", "not received yet"],
)
def test_another_event_makes_nobody_due(store: JourneyStore, event: dict[str, object]) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", **WAITING))
        transaction.add_events(events("e", **event))
        assert due(transaction) == []


def test_an_event_at_this_moment_makes_due(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", **WAITING))
        transaction.add_events(events("e", occurred_at=NOW, received_at=NOW))
        assert due(transaction) == ["a"]


def test_of_several_events_one_that_counts_is_enough(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", **WAITING))
        transaction.add_events(events("before", "within", "after", occurred_at=[NOW - 2 * HOUR, NOW, NOW + HOUR]))
        assert due(transaction) == ["a"]


def test_other_versions_journeys_and_ended_executions_are_not_due(store: JourneyStore) -> None:
    rows = executions(
        "a", "b", "c",
        due_at=NOW,
        journey_key=["welcome", "retention", "welcome"],
        journey_version=[2, 1, 1],
        state=["WAITING", "WAITING", "COMPLETED"],
        ended_at=[None, None, NOW],
    )  # fmt: skip
    with store.transaction() as transaction:
        transaction.add_executions(rows)
        assert due(transaction) == []


def test_due_executions_come_in_chunks_by_shard(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        # their shards are 106, 78, 414 and 181
        transaction.add_executions(
            executions("c", "a", "B", "d", customer_id=["cleo", "dan", "eve", "ada"], due_at=NOW)
        )
        one = transaction.take_due("welcome", 1, as_of=NOW, missing_before=NOW, limit=2)
        two = transaction.take_due("welcome", 1, as_of=NOW, missing_before=NOW, limit=2, after=one.cursor)
        end = transaction.take_due("welcome", 1, as_of=NOW, missing_before=NOW, limit=2, after=two.cursor)
    assert [claim.frame["execution_id"].tolist() for claim in (one, two, end)] == [["a", "c"], ["d", "B"], []]


def test_who_is_due_is_found_behind_a_first_part_that_was_emptied(postgres_store: PostgresStore) -> None:
    with postgres_store.transaction() as transaction:
        transaction.add_executions(executions("a", due_at=NOW))
        claim = transaction.take_due("welcome", 1, as_of=NOW, missing_before=NOW, limit=2, after="standing_acting|7")
    assert claim.frame["execution_id"].tolist() == ["a"]


@pytest.mark.parametrize(
    "given",
    [{"due_at": NOW}, {"missing_since": NOW - 100 * HOUR}, WAITING],
    ids=["due", "missing", "waiting for an event"],
)
def test_each_range_of_shards_has_its_own_due_executions(store: JourneyStore, given: dict[str, object]) -> None:
    names = [f"{number:03}" for number in range(60)]
    with store.transaction() as transaction:
        rows = executions(*names, **given)
        transaction.add_executions(rows)
        transaction.add_events(events(*names, customer_id=rows["customer_id"].tolist()))
        parts = [due(transaction, shards=shards) for shards in ALL.split(8)]
        taken = [transaction.find_execution(name).iloc[0]["customer_id"] for name in parts[0]]
    assert sorted(name for part in parts for name in part) == names
    assert all(shard < SHARDS / 8 for shard in shard_of(taken))


def test_a_taken_row_has_the_shape_of_executions(store: JourneyStore) -> None:
    row = executions("a", due_at=NOW, context=[{"source": "till", "event": {"amount": 2.5}}], visits=[{"wait": 2}])
    with store.transaction() as transaction:
        transaction.add_executions(row)
        taken = transaction.take_due("welcome", 1, as_of=NOW, missing_before=NOW, limit=1).frame
        locked = transaction.lock_executions(ids("a", "unknown"))
    pd.testing.assert_frame_equal(taken, row)
    pd.testing.assert_frame_equal(locked, row)


def test_missing_since_keeps_the_first_run(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", "b", customer_id=["x", "y"]))
        transaction.mark_missing("welcome", ids("x"), NOW)
        transaction.mark_missing("welcome", ids("x"), NOW + HOUR)
        assert transaction.read("executions")["missing_since"].dropna().tolist() == [NOW]
        transaction.clear_missing("welcome", ids("x", "y"))
        assert transaction.read("executions")["missing_since"].isna().all()


def test_only_unfinished_executions_of_the_journey_are_missing(store: JourneyStore) -> None:
    rows = executions(
        "a", "b", customer_id="x", journey_key=["welcome", "retention"], state=["FAILED", "WAITING"],
        ended_at=[NOW, None],
    )  # fmt: skip
    with store.transaction() as transaction:
        transaction.add_executions(rows)
        transaction.mark_missing("welcome", ids("x"), NOW)
        assert transaction.read("executions")["missing_since"].isna().all()


def test_saving_replaces_executions_whole_and_in_place(store: JourneyStore) -> None:
    moved = executions("a", "b", current_node_id="mail", state="IN_PROGRESS", due_at=None, context=[{"x": 1}, {}])
    with store.transaction() as transaction:
        transaction.add_executions(executions("b", "a", "c"))
        transaction.save(changes(moved))
        stored = transaction.read("executions")
    assert stored["execution_id"].tolist() == ["b", "a", "c"]
    assert stored["current_node_id"].tolist() == ["mail", "mail", "wait"]
    assert stored["context"].tolist() == [{}, {"x": 1}, {}]


def test_saving_appends_transitions_and_dispatches(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("b", "a"))
        transaction.save(changes(left=transitions("b"), requested=dispatches("b")))
        transaction.save(changes(left=transitions("a", branch="true"), requested=dispatches("a")))
        left, requested = transaction.read("transitions"), transaction.read("dispatches")
    pd.testing.assert_frame_equal(left, transitions("b", "a", branch=[None, "true"]))
    pd.testing.assert_frame_equal(requested, dispatches("b", "a"))


def test_dispatches_of_any_width_keep_their_order_and_what_they_lack(store: JourneyStore) -> None:
    given = {
        "customer_id": ["x" * length for length in (3, 1, 12, 1, 7)],
        "due_at": [NOW, None, NOW - HOUR, None, NOW],
        "next_at": [None, None, None, NOW, None],
        "payload": [{}, {"to": "é"}, {}, {"n": [1, 2.5, None]}, {}],
        "reason": [None, "stale", None, "", None],
    }
    with store.transaction() as transaction:
        request(transaction, *"edcba", **given)
        pd.testing.assert_frame_equal(transaction.read("dispatches"), dispatches(*"edcba", **given))


def test_saving_replaces_dispatches(store: JourneyStore) -> None:
    settled = dispatches("a", status="sent", result=[{"success": True}], left_at=NOW, settled_at=NOW)
    with store.transaction() as transaction:
        request(transaction, "a", "b")
        transaction.save(changes(updated=settled))
        pd.testing.assert_frame_equal(transaction.read("dispatches", status="sent"), settled)


def test_saving_marks_events_as_used(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_events(events("one", "two", is_used=True))
        assert not transaction.read("events")["is_used"].any()
        transaction.save(changes(used=("two",)))
        assert transaction.read("events", is_used=True)["event_id"].tolist() == ["two"]


def test_an_execution_that_is_not_there_cannot_be_saved(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a"))
    with pytest.raises(StoreError, match="execution b is not"), store.transaction() as transaction:
        transaction.save(changes(executions("a", "b")))


def test_an_execution_cannot_be_saved_twice_in_one_chunk(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a"))
    with pytest.raises(StoreError, match="twice"), store.transaction() as transaction:
        transaction.save(changes(executions("a", "a")))


@pytest.mark.parametrize("again", [("a",), ("b", "b")], ids=["stored", "twice in one chunk"])
def test_a_dispatch_key_that_exists_is_an_error(store: JourneyStore, again: tuple[str, ...]) -> None:
    with store.transaction() as transaction:
        request(transaction, "a")
        transaction.add_executions(executions("b"))
    with pytest.raises(StoreError, match="dispatch"), store.transaction() as transaction:
        transaction.save(changes(requested=dispatches(*again)))


def test_nobody_cannot_request_an_action(store: JourneyStore) -> None:
    with pytest.raises(StoreError, match="execution a is not in the store"), store.transaction() as transaction:
        transaction.save(changes(requested=dispatches("a")))


def test_a_key_of_another_visit_is_refused(store: JourneyStore) -> None:
    with pytest.raises(StoreError, match="a:mail:2"), store.transaction() as transaction:
        request(transaction, "a", key=["a:mail:2"])


def test_a_dispatch_that_is_not_there_cannot_be_updated(store: JourneyStore) -> None:
    with pytest.raises(StoreError, match="dispatch a:mail:1"), store.transaction() as transaction:
        transaction.save(changes(updated=dispatches("a")))


def test_an_empty_chunk_changes_nothing(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.save(changes())
        assert transaction.read("executions").dtypes.astype(str).to_dict() == dict(EXECUTIONS)


def test_executions_are_found_by_id_and_by_customer(store: JourneyStore) -> None:
    rows = executions("a", "b", "c", customer_id=["x", "x", "y"], journey_key=["welcome", "retention", "welcome"])
    with store.transaction() as transaction:
        transaction.add_executions(rows)
        assert transaction.find_execution("b")["customer_id"].tolist() == ["x"]
        assert transaction.find_execution("nobody").empty
        assert transaction.executions_of("x")["execution_id"].tolist() == ["a", "b"]


def test_counts_say_where_executions_and_dispatches_stand(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", "b", "c", current_node_id=["wait", "wait", None]))
        transaction.save(changes(requested=dispatches("a", "b", status=["sent", "pending"])))
        standing, outbox = transaction.status_counts(), transaction.dispatch_counts()
    assert standing.fillna("").to_numpy().tolist() == [
        ["welcome", 1, "WAITING", "wait", 2],
        ["welcome", 1, "WAITING", "", 1],
    ]
    assert outbox.to_numpy().tolist() == [
        ["welcome", "send_email", "pending", 1],
        ["welcome", "send_email", "sent", 1],
    ]


def one_due(transaction: StoreTransaction, execution_id: str, **given: Any) -> list[str]:
    """What take_one_due gives now."""
    found = transaction.take_one_due(execution_id, **{"as_of": NOW, "missing_before": NOW - 72 * HOUR, **given})
    names: list[str] = found["execution_id"].tolist()
    return names


@pytest.mark.parametrize(
    ("given", "is_due"),
    [
        ({"due_at": NOW}, True),
        ({"due_at": NOW + HOUR}, False),
        ({"due_at": NOW + 90 * 24 * HOUR}, False),
        ({"due_at": None, "action_status": "failed"}, True),
        ({"due_at": None}, False),
        ({"missing_since": NOW - 100 * HOUR}, True),
        ({"missing_since": NOW}, False),
        (WAITING, True),
        ({**WAITING, "waiting_for": "visit"}, False),
        ({"due_at": NOW, "state": "COMPLETED", "ended_at": NOW}, False),
    ],
    ids=[
        *("due now", "due later", "due much later", "with a result", "at an action", "long missing", "just missing"),
        *("with an event", "waiting for another event", "ended"),
    ],
)
def test_one_execution_is_due_by_itself_as_it_is_among_others(
    store: JourneyStore, given: dict[str, object], is_due: bool
) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", **given))
        transaction.add_executions(executions("b", due_at=NOW))
        transaction.add_events(events("e"))
        assert one_due(transaction, "a") == (["a"] if is_due else [])
        assert due(transaction) == (["a", "b"] if is_due else ["b"])


def test_one_that_is_not_in_the_store_is_not_due(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert one_due(transaction, "nobody") == []


def test_one_due_execution_comes_whole_and_can_be_saved(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", due_at=NOW, context=[{"tier": "gold"}]))
        taken = transaction.take_one_due("a", as_of=NOW, missing_before=NOW)
        transaction.save(changes(taken.assign(current_node_id="mail")))
    with store.transaction() as transaction:
        stored = transaction.find_execution("a").iloc[0]
    assert (stored["current_node_id"], stored["context"]) == ("mail", {"tier": "gold"})
