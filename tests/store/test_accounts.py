import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.errors import StoreError
from journey_pipelines.store.memory import MemoryStore
from tests.store.rows import HOUR, NOW, awards, campaign_executions, events, ids


def test_an_event_is_kept_once(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.add_events(events("one", "two", "two")) == 2
        assert transaction.add_events(events("two", "three")) == 1


def test_events_come_in_the_order_in_which_they_occurred(store: JourneyStore) -> None:
    rows = events("c", "b", "a", occurred_at=[NOW - HOUR, NOW - HOUR, NOW], received_at=NOW, data=[{"n": 1}, {}, {}])
    with store.transaction() as transaction:
        transaction.add_events(rows)
        found = transaction.events(ids("customer-a"), ["purchase"], after=NOW - 2 * HOUR, as_of=NOW)
    assert found["event_id"].tolist() == ["b", "c", "a"]
    assert found["data"].tolist() == [{}, {"n": 1}, {}]


@pytest.mark.parametrize(
    "event",
    [
        {"customer_id": "customer-b"},
        {"event_type": "visit"},
        {"occurred_at": NOW - 2 * HOUR},
        {"occurred_at": NOW + HOUR},
        {"received_at": NOW + HOUR},
    ],
    ids=["another customer", "another type", "not after", "later than as_of", "not received by as_of"],
)
def test_events_outside_the_question_are_left_out(store: JourneyStore, event: dict[str, object]) -> None:
    with store.transaction() as transaction:
        transaction.add_events(events("e", **event))
        assert transaction.events(ids("customer-a"), ["purchase"], after=NOW - 2 * HOUR, as_of=NOW).empty


def test_points_open_an_account_and_tell_the_balance_after_each(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        given = transaction.earn_points(awards("z", "y", "x", points=[5, 7, 1], customer_id=["a", "a", "b"]))
        again = transaction.earn_points(awards("w", points=100, customer_id="a"))
        balances = transaction.balances(ids("a", "b", "nobody"))
    assert given["dispatch_key"].tolist() == ["z", "y", "x"]
    assert given["balance_after"].tolist() == [5, 12, 1]
    assert again["balance_after"].tolist() == [112]
    assert balances.to_numpy().tolist() == [["a", 1, 112], ["b", 1, 1]]


def test_points_are_awarded_once_for_each_dispatch(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        first = transaction.earn_points(awards("k", points=5))
    with store.transaction() as transaction:
        second = transaction.earn_points(awards("k", "l", "k", points=[50, 1, 50]))
        assert transaction.balances(ids("customer-a"))["points_balance"].tolist() == [6]
        assert len(transaction.read("points_transactions")) == 2
    assert second["dispatch_key"].tolist() == ["k", "l", "k"]
    assert second["balance_after"].tolist() == [5, 6, 5]
    pd.testing.assert_frame_equal(second.iloc[:1], first)


def test_each_program_has_a_balance_of_its_own(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.earn_points(awards("a", "b", points=[5, 7], program_id=[2, 1]))
        assert transaction.balances(ids("customer-a")).to_numpy().tolist() == [
            ["customer-a", 1, 7],
            ["customer-a", 2, 5],
        ]


def test_nobody_earns_nothing(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.earn_points(awards()).empty
        assert transaction.balances(ids()).empty


def test_known_campaigns_are_found_by_id(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        found = transaction.campaigns([7, 99, 5, 7])
    assert found[["campaign_id", "name"]].to_numpy().tolist() == [[5, "Campaign 5"], [7, "Campaign 7"]]


def test_a_campaign_execution_is_recorded_once(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_campaign_executions(campaign_executions("a", "b"))
        transaction.add_campaign_executions(campaign_executions("b", "c", channel=[None, "sms"]))
        stored = transaction.read("campaign_executions")
    pd.testing.assert_frame_equal(stored, campaign_executions("a", "b", "c", channel=["email", "email", "sms"]))


def test_an_unknown_campaign_cannot_be_delivered(store: JourneyStore) -> None:
    with pytest.raises(StoreError, match="99"), store.transaction() as transaction:
        transaction.add_campaign_executions(campaign_executions("a", campaign_id=99))


def test_a_memory_store_without_a_list_knows_every_campaign() -> None:
    with MemoryStore().transaction() as transaction:
        assert transaction.campaigns([3, 1])["campaign_id"].tolist() == [1, 3]
        transaction.add_campaign_executions(campaign_executions("a", campaign_id=3))
