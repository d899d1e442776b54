"""What is kept between two runs: statuses, holds and their approval, repeated and older runs, traces."""

from datetime import UTC, datetime, time, timedelta

import pandas as pd
import pytest

from journey_pipelines.delivery.contact import ContactPolicy, QuietHours
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.errors import UnknownFeatureError
from tests.behaviour.builders import MARCH, action, answers, chain, condition, days, features, only, segments, wait
from tests.behaviour.passes import ACTIONS, Passes

DAY = timedelta(days=1)
PEOPLE = [str(number) for number in range(120)]
TABLES = ("executions", "transitions", "dispatches", "events", "starts", "points_transactions")
SHRUNK = pd.concat(
    [
        features(PEOPLE, dates=["2017-03-01"]),
        features(PEOPLE[:20], dates=["2017-03-02"]),
        features(PEOPLE[:20], dates=["2017-03-03"]),
    ]
)
RECOVERED = pd.concat([SHRUNK[SHRUNK["snapshot_date"] < "2017-03-03"], features(PEOPLE, dates=["2017-03-03"])])


def held(passes: Passes) -> list[int]:
    """Days on which the journey was held."""
    return sorted(passes.read("holds")["as_of"].dt.day)


def states(passes: Passes) -> dict[str, int]:
    """How many executions are in each state."""
    counts: dict[str, int] = passes.read("executions")["state"].value_counts().to_dict()
    return counts


def everything(passes: Passes) -> dict[str, pd.DataFrame]:
    """All rows that a run may change."""
    return {table: passes.read(table) for table in TABLES}


def assert_unchanged(passes: Passes, before: dict[str, pd.DataFrame]) -> None:
    for table, rows in everything(passes).items():
        pd.testing.assert_frame_equal(rows, before[table], obj=table)


@pytest.mark.parametrize("status", ["unknown", "retry"])
def test_an_execution_can_be_kept_at_an_action_whose_fate_is_open(store: JourneyStore, status: str) -> None:
    document = chain(action("a", retry={"attempts": 3, "backoff": "P1D"}))
    passes = Passes(store, document, deliver=answers(status, "sent"))
    passes.run(MARCH)
    assert only(passes.read("dispatches"))["status"] == status
    assert only(passes.read("executions"))["action_status"] == status
    passes.run(MARCH + DAY)
    assert states(passes) == {"COMPLETED": 1}


def test_an_execution_can_be_kept_through_quiet_hours(store: JourneyStore) -> None:
    policy = ContactPolicy(quiet_hours=QuietHours(time(21), time(8)))
    passes = Passes(store, chain(action("a")), dispatcher=CallableDispatcher(ACTIONS, policy=policy))
    passes.run(datetime(2017, 3, 1, 23, tzinfo=UTC))
    assert states(passes) == {"IN_PROGRESS": 1}
    passes.run(datetime(2017, 3, 2, 8, tzinfo=UTC))
    assert states(passes) == {"COMPLETED": 1}


def test_a_held_journey_stays_untouched_until_somebody_approves(store: JourneyStore) -> None:
    passes = Passes(store, chain(wait("w", duration="P1D")), features=SHRUNK)
    passes.run(MARCH)
    before = everything(passes)
    report = passes.run(MARCH + DAY)
    assert_unchanged(passes, before)
    assert "20" in report.held["test"]
    with store.transaction() as transaction:
        assert transaction.approve(report.run.run_id, at=MARCH + DAY) == ["test"]
    passes.run(MARCH + DAY)
    assert states(passes) == {"COMPLETED": 20, "WAITING": 100}


def test_an_approval_holds_for_later_snapshots_of_that_size_too(store: JourneyStore) -> None:
    passes = Passes(store, chain(wait("w", duration="P1D")), features=SHRUNK)
    passes.run(MARCH)
    report = passes.run(MARCH + DAY)
    with store.transaction() as transaction:
        transaction.approve(report.run.run_id, at=MARCH + DAY)
    passes.run(MARCH + 2 * DAY)
    assert held(passes) == [2]


def test_the_next_good_snapshot_releases_a_held_journey(store: JourneyStore) -> None:
    passes = Passes(store, chain(wait("w", duration="P1D")), features=RECOVERED)
    passes.run(*days(3))
    assert held(passes) == [2]
    assert states(passes) == {"COMPLETED": 120}


def test_an_approval_lets_more_sends_leave_than_one_run_may_make(store: JourneyStore) -> None:
    passes = Passes(store, chain(action("a"), max_sends_per_run=5), features=features(PEOPLE[:6]))
    report = passes.run(MARCH)
    assert len(passes.read("executions")) == 0
    with store.transaction() as transaction:
        transaction.approve(report.run.run_id, at=MARCH)
    passes.run(MARCH)
    assert len(passes.read("dispatches", status="sent")) == 6


def test_a_segment_that_is_not_known_any_more_holds_the_journey(store: JourneyStore) -> None:
    members = segments({"2017-03-01": ["7"]})
    document = chain(wait("w", duration="P1D"), entry={"segment": "loyal", "on": "member"})
    Passes(store, document, segments=members).run(MARCH)
    without = Passes(store, segments=members[:0], segment_names=[])
    without.count = 1
    assert "loyal" in without.run(MARCH + DAY).held["test"]
    assert states(without) == {"WAITING": 1}


def test_a_run_can_be_repeated(store: JourneyStore) -> None:
    document = chain(action("a"), action("b", "award_points"), wait("w", duration="P1D"))
    passes = Passes(store, document, features=features(PEOPLE))
    passes.run(MARCH)
    before = everything(passes)
    passes.run(MARCH)
    assert_unchanged(passes, before)


def test_enrolling_a_partition_twice_adds_nobody(store: JourneyStore) -> None:
    entry = {"rule": {"!!": [1]}, "reentry": "after_end"}
    passes = Passes(store, chain(entry=entry), features=features(PEOPLE))
    passes.run(MARCH, MARCH)
    assert states(passes) == {"COMPLETED": 120}


def test_an_older_partition_again_does_nothing(store: JourneyStore) -> None:
    people = pd.concat([features(PEOPLE, dates=["2017-03-01"]), features(PEOPLE[:90], dates=["2017-03-02"])])
    passes = Passes(store, chain(action("a"), wait("w", duration="P1D")), features=people)
    passes.run(*days(2))
    before = everything(passes)
    assert passes.run(MARCH).superseded == ["test"]
    assert_unchanged(passes, before)


def test_due_times_come_first_come_first_served_after_missed_ticks(store: JourneyStore) -> None:
    frame = features(["1", "2", "3"], date={"1": "2017-03-04", "2": "2017-03-02", "3": "2017-03-03"})
    document = chain(wait("w", until_attribute="date"), action("a"))
    order: list[str] = []

    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        order.extend(dispatches["customer_id"])
        return pd.DataFrame({"key": dispatches["key"], "status": "sent", "result": None})

    Passes(store, document, features=frame, deliver=deliver, chunk_rows=1).run(MARCH, MARCH + 9 * DAY)
    assert order == ["2", "3", "1"]


def test_an_unknown_feature_is_found_before_anything_is_written(store: JourneyStore) -> None:
    good = chain(action("a"), key="good")
    passes = Passes(store, good, chain(condition("c", {"var": "shoe_size"}), key="bad") | BAD_EDGES)
    with pytest.raises(UnknownFeatureError, match="shoe_size"):
        passes.run(MARCH)
    assert all(len(rows) == 0 for rows in everything(passes).values())
    assert len(passes.read("runs")) == 0


def test_every_send_can_be_traced_to_its_run_and_snapshot(store: JourneyStore) -> None:
    frame = pd.concat([features(dates=["2017-03-01"]), features(dates=["2017-03-02"])])
    passes = Passes(store, chain(action("a"), wait("w", duration="P1D"), action("b")), features=frame)
    passes.run(*days(2))
    sent = passes.read("dispatches").set_index("node_id")
    assert sent["run_id"].to_dict() == {"a": "run-1", "b": "run-2"}
    assert sent["snapshot_id"].to_dict() == {"a": "features@2017-03-01", "b": "features@2017-03-02"}
    assert set(passes.read("runs")["run_id"]) == {"run-1", "run-2"}
    decided = passes.read("transitions").set_index("node_id")
    assert decided.loc["w", ["run_id", "snapshot_id"]].to_list() == ["run-2", "features@2017-03-02"]


def test_an_event_that_came_too_late_is_kept_and_stays_unused(store: JourneyStore) -> None:
    waiting = wait("w", event="customer.purchase", timeout="P1D")
    document = chain(waiting) | {
        "edges": [
            {"source": "start", "target": "w"},
            {"source": "w", "target": "done", "branch": "event"},
            {"source": "w", "target": "done", "branch": "timeout"},
        ]
    }
    late = {
        "event_id": "e",
        "customer_id": "7",
        "event_type": "customer.purchase",
        "occurred_at": MARCH + DAY + timedelta(hours=1),
        "received_at": MARCH + DAY + timedelta(hours=1),
        "data": {},
    }
    passes = Passes(store, document, events=[late])
    passes.run(*days(3))
    assert passes.read("events")["is_used"].to_list() == [False]
    taken = passes.read("transitions", node_id="w")
    assert taken["branch"].to_list() == ["timeout"]


BAD_EDGES = {
    "edges": [
        {"source": "start", "target": "c"},
        {"source": "c", "target": "done", "branch": "true"},
        {"source": "c", "target": "done", "branch": "false"},
    ]
}
