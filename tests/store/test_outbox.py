import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.errors import StoreError
from tests.store.rows import HOUR, NOW, dispatches, ids, request, suppressions


def _taken(store: JourneyStore, **given: object) -> list[str]:
    asked = {"as_of": NOW, "journey_keys": ["welcome", "retention"], "limit": 100, **given}
    with store.transaction() as transaction:
        keys: list[str] = transaction.take_dispatches(**asked)["execution_id"].tolist()  # type: ignore[arg-type]  # any argument may be given
    return keys


def _request(store: JourneyStore, *names: str, **given: object) -> None:
    with store.transaction() as transaction:
        request(transaction, *names, **given)


def test_the_queue_goes_by_priority_then_journey_then_due_time(store: JourneyStore) -> None:
    _request(
        store, "late", "early", "retention", "urgent",
        priority=[0, 0, 0, 9],
        journey_key=["welcome", "welcome", "retention", "welcome"],
        due_at=[NOW, NOW - HOUR, NOW, NOW],
    )  # fmt: skip
    assert _taken(store) == ["urgent", "retention", "early", "late"]


def test_equal_due_times_go_by_request_then_execution(store: JourneyStore) -> None:
    _request(store, "c", "b", "a", requested_at=[NOW - HOUR, NOW, NOW])
    assert _taken(store) == ["c", "a", "b"]


def test_a_dispatch_without_due_time_goes_last(store: JourneyStore) -> None:
    _request(store, "a", "b", due_at=[None, NOW])
    assert _taken(store) == ["b", "a"]


def test_only_the_head_of_the_queue_is_taken(store: JourneyStore) -> None:
    _request(store, "a", "b", "c")
    assert _taken(store, limit=2) == ["a", "b"]


def test_a_deferred_dispatch_comes_when_its_time_has_come(store: JourneyStore) -> None:
    _request(store, "a", "b", "c", next_at=[NOW + HOUR, NOW, None])
    assert _taken(store) == ["b", "c"]


def test_other_journeys_and_statuses_are_left_in_the_queue(store: JourneyStore) -> None:
    _request(store, "a", "b", "c", status=["pending", "retry", "pending"], journey_key=["welcome"] * 2 + ["paused"])
    assert _taken(store) == ["a"]
    assert _taken(store, status="retry") == ["b"]
    assert _taken(store, journey_keys=[]) == []


def test_unsettled_dispatches_of_executions_are_found(store: JourneyStore) -> None:
    statuses = ["pending", "sending", "retry", "unknown", "sent", "failed", "skipped"]
    _request(store, *statuses, status=statuses)
    with store.transaction() as transaction:
        found = transaction.dispatches_of(ids(*statuses, "nobody"))
        assert sorted(found["status"]) == ["pending", "retry", "sending", "unknown"]
        assert transaction.dispatches_of(ids("retry"))["key"].tolist() == ["retry:mail:1"]


def test_a_saved_dispatch_is_replaced_whole(store: JourneyStore) -> None:
    _request(store, "a", "b")
    with store.transaction() as transaction:
        transaction.save_dispatches(dispatches("b", status="skipped", reason="stale", payload=[{"to": "x"}]))
        stored = transaction.read("dispatches")
    assert stored["status"].tolist() == ["pending", "skipped"]
    assert stored["payload"].tolist() == [{}, {"to": "x"}]


def test_a_dispatch_that_was_never_requested_cannot_be_saved(store: JourneyStore) -> None:
    with pytest.raises(StoreError, match="a:mail:1"), store.transaction() as transaction:
        transaction.save_dispatches(dispatches("a"))


def test_sends_of_a_run_that_is_gone_become_unknown(store: JourneyStore) -> None:
    _request(store, "a", "b", "c", status=["sending", "sending", "pending"], run_id=["gone", None, "gone"], next_at=NOW)
    with store.transaction() as transaction:
        assert transaction.abandon_sending() == 2
        stored = transaction.read("dispatches")
    assert stored["status"].tolist() == ["unknown", "unknown", "pending"]
    assert stored["next_at"].isna().tolist() == [True, True, False]


def test_sends_of_a_run_that_is_alive_are_left_alone(store: JourneyStore) -> None:
    _request(store, "a", "b", status="sending", run_id=["alive", "gone"])
    with store.run_lock("alive"), store.transaction() as transaction:
        assert transaction.abandon_sending() == 1
        assert transaction.read("dispatches")["status"].tolist() == ["sending", "unknown"]
    with store.transaction() as transaction:
        assert transaction.abandon_sending() == 1


def test_an_address_that_is_suppressed_for_marketing_may_get_what_is_transactional(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_suppressions(suppressions("a@x.example", purpose="marketing"))
        transaction.add_suppressions(suppressions("b@x.example", "b@x.example", purpose=["all", "marketing"]))
        asked = pd.Index(["a@x.example", "b@x.example"])
        assert transaction.suppressed("email", asked).tolist() == ["a@x.example", "b@x.example"]
        assert transaction.suppressed("email", asked, purpose="transactional").tolist() == ["b@x.example"]


def test_an_address_can_be_taken_off_its_list_again(store: JourneyStore) -> None:
    asked = pd.Index(["a@x.example"])
    with store.transaction() as transaction:
        transaction.add_suppressions(suppressions("a@x.example", "a@x.example", purpose=["all", "marketing"]))
        transaction.add_suppressions(suppressions("a@x.example", channel="sms"))
        assert transaction.remove_suppressions("email", pd.Index(["a@x.example", "b@x.example"])) == 2
        assert transaction.suppressed("email", asked).empty
        assert transaction.suppressed("sms", asked).tolist() == ["a@x.example"]


def test_suppressed_addresses_are_told_for_their_channel(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.add_suppressions(suppressions("b@x.example", "a@x.example")) == 2
        assert transaction.add_suppressions(suppressions("a@x.example", "c@x.example", "c@x.example")) == 1
        asked = ids("c@x.example", "a@x.example", "other@x.example")
        assert transaction.suppressed("email", asked).tolist() == ["a@x.example", "c@x.example"]
        assert transaction.suppressed("sms", asked).tolist() == []


def test_sends_since_are_messages_that_left(store: JourneyStore) -> None:
    statuses = ["sent", "sending", "unknown", "failed", "sent", "pending"]
    left_at = [NOW, NOW - HOUR, NOW, NOW, NOW - 2 * HOUR, None]
    _request(store, *"abcdef", status=statuses, left_at=left_at, customer_id="x")
    with store.transaction() as transaction:
        found = transaction.sends_since(ids("x", "y"), NOW - HOUR)
        assert transaction.sends_since(ids("y"), NOW - HOUR).empty
    assert found["left_at"].tolist() == [NOW - HOUR, NOW, NOW]
    assert found.columns.tolist() == ["customer_id", "action_type", "left_at"]
