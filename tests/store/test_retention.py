"""What retention removes and what it keeps; beside runs, it disturbs nobody."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore, Run
from journey_pipelines.errors import JourneysError
from journey_pipelines.store.doctor import examine
from journey_pipelines.store.memory import MemoryStore
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import MARCH
from tests.behaviour.busy import run_all
from tests.store import rows
from tests.store.rows import NOW, changes, ids

DAY = timedelta(days=1)
LATER = NOW + 30 * DAY
KEPT_DAYS = 10


def ended(*names: str, at: datetime = NOW) -> pd.DataFrame:
    return rows.executions(
        *names, state="COMPLETED", current_node_id="done", due_at=pd.NaT, ended_at=at, outcome="done"
    )


def add(store: JourneyStore, *executions: pd.DataFrame, left: pd.DataFrame | None = None) -> None:
    with store.transaction() as transaction:
        for frame in executions:
            transaction.add_executions(frame)
        if left is not None:
            transaction.save(changes(left=left))


def read(store: JourneyStore, table: str, column: str) -> list[str]:
    with store.transaction() as transaction:
        return sorted(transaction.read(table)[column])


def test_who_ended_long_ago_goes_with_all_that_belongs_to_them(store: JourneyStore) -> None:
    add(store, ended("old", "other"), ended("new", at=LATER - 5 * DAY), rows.executions("inside"))
    everybody = ("old", "other", "new", "inside")
    keys = [f"{name}:mail:1" for name in everybody]
    with store.transaction() as transaction:
        transaction.save(
            changes(left=rows.transitions(*everybody), requested=rows.dispatches(*everybody, status="sent"))
        )
        transaction.earn_points(rows.awards(*keys))
        transaction.add_campaign_executions(rows.campaign_executions(*keys))
    retained = store.retain(as_of=LATER, days=KEPT_DAYS)
    for table in ("executions", "transitions", "dispatches"):
        assert read(store, table, "execution_id") == ["inside", "new"], table
    for table in ("points_transactions", "campaign_executions"):
        assert read(store, table, "dispatch_key") == ["inside:mail:1", "new:mail:1"], table
    assert retained.kept_from == (LATER - KEPT_DAYS * DAY).date()
    for table in ("executions", "dispatches", "points_transactions", "campaign_executions"):
        assert retained.removed[table] == 2, table


def test_transitions_of_a_day_stay_while_most_of_them_are_needed(postgres_store: PostgresStore) -> None:
    add(postgres_store, ended("old"), rows.executions("a", "b"), left=rows.transitions("old", "a", "b"))
    postgres_store.retain(as_of=LATER, days=KEPT_DAYS)
    assert read(postgres_store, "transitions", "execution_id") == ["a", "b", "old"]
    with postgres_store.transaction() as transaction:
        found = transaction.lock_executions(ids("a", "b"))
        transaction.save(changes(found.assign(state="COMPLETED", due_at=pd.NaT, ended_at=LATER, outcome="done")))
    postgres_store.retain(as_of=LATER + 12 * DAY, days=KEPT_DAYS)
    assert read(postgres_store, "transitions", "execution_id") == []


def test_a_day_that_is_needed_keeps_no_later_day(postgres_store: PostgresStore) -> None:
    add(postgres_store, rows.executions("inside"), left=rows.transitions("inside"))
    later = {"at": NOW + DAY, "run_as_of": NOW + DAY}
    add(postgres_store, ended("old", at=NOW + DAY), left=rows.transitions("old", **later))
    postgres_store.retain(as_of=LATER, days=KEPT_DAYS)
    assert read(postgres_store, "transitions", "execution_id") == ["inside"]


def test_a_balance_stays_when_its_awards_go(store: JourneyStore) -> None:
    add(store, ended("a"))
    with store.transaction() as transaction:
        transaction.save(changes(requested=rows.dispatches("a", status="sent")))
        transaction.earn_points(rows.awards("a:mail:1"))
    store.retain(as_of=LATER, days=KEPT_DAYS)
    with store.transaction() as transaction:
        assert transaction.balances(ids("customer-a"))["points_balance"].tolist() == [10]
        assert not len(transaction.read("points_transactions"))


def test_the_day_that_is_kept_first_is_kept_whole(store: JourneyStore) -> None:
    first = (LATER - KEPT_DAYS * DAY).replace(hour=0)
    add(store, ended("before", at=first - timedelta(microseconds=1)), ended("on", at=first))
    store.retain(as_of=LATER, days=KEPT_DAYS)
    assert read(store, "executions", "execution_id") == ["on"]


def test_who_entered_once_is_known_for_ever(store: JourneyStore) -> None:
    add(store, ended("a"))
    store.retain(as_of=LATER, days=KEPT_DAYS)
    with store.transaction() as transaction:
        last = transaction.entries("welcome", ids("customer-a"))
        assert last[["entry_number", "is_unfinished"]].to_numpy().tolist() == [[1, False]]
        assert last["entered_at"].tolist() == [pd.Timestamp(NOW - rows.HOUR)]
        assert transaction.add_executions(rows.executions("a")).tolist() == []
        assert transaction.add_executions(rows.executions("b", customer_id="customer-a", entry_number=2)).tolist() == [
            "b"
        ]
        assert transaction.entries("welcome", ids("customer-a"))["is_unfinished"].tolist() == [True]


def test_an_execution_that_was_removed_is_in_no_answer(store: JourneyStore) -> None:
    add(store, ended("a"), rows.executions("b"))
    with store.transaction() as transaction:
        transaction.add_executions(rows.executions("c", customer_id="customer-a", entry_number=2))
    store.retain(as_of=LATER, days=KEPT_DAYS)
    with store.transaction() as transaction:
        assert sorted(transaction.lock_executions(ids("a", "b", "c"))["execution_id"]) == ["b", "c"]
        assert not len(transaction.find_execution("a"))
        assert not len(transaction.take_one_due("a", as_of=LATER, missing_before=NOW))


def test_nothing_of_somebody_who_is_inside_goes(store: JourneyStore) -> None:
    add(store, rows.executions("a"), *[ended(name) for name in "bcd"], left=rows.transitions("a", "b", "c", "d"))
    with store.transaction() as transaction:
        transaction.add_events(rows.events("before", occurred_at=NOW - 2 * rows.HOUR))
        transaction.add_events(rows.events("since"))
        transaction.add_events(rows.events("others", customer_id="customer-b"))
    for days_later in range(3):
        store.retain(as_of=LATER + days_later * DAY, days=KEPT_DAYS)
        assert read(store, "transitions", "execution_id") == ["a"]
        assert read(store, "events", "event_id") == ["since"]
    with store.transaction() as transaction:
        found = transaction.read("transitions").iloc[0]
        assert (found["at"], found["run_id"], found["node_id"]) == (pd.Timestamp(NOW), "run", "wait")


def test_old_runs_starts_and_snapshots_go_but_not_the_last(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        for number in range(3):
            transaction.open_run(Run(f"run-{number}", NOW + number * DAY))
        for number in (0, 2):
            transaction.close_run(f"run-{number}", {})
        transaction.add_starts(rows.starts("done", "waiting"))
        transaction.settle_starts(pd.DataFrame({"start_id": ["done"], "status": ["entered"], "reason": [""]}))
        transaction.record_snapshots(rows.snapshots("1"))
        transaction.record_snapshots(rows.snapshots("2", snapshot_date=NOW + DAY))
    store.retain(as_of=LATER, days=KEPT_DAYS)
    assert read(store, "runs", "run_id") == ["run-1", "run-2"]  # the one in the middle is open still
    assert read(store, "starts", "start_id") == ["waiting"]
    assert read(store, "snapshots", "snapshot_id") == ["2"]


def test_a_second_retention_finds_nothing(store: JourneyStore) -> None:
    add(store, ended("a"), left=rows.transitions("a"))
    assert store.retain(as_of=LATER, days=KEPT_DAYS).removed
    again = store.retain(as_of=LATER, days=KEPT_DAYS)
    assert (dict(again.removed), again.dropped, again.busy) == ({}, 0, 0)


def test_history_that_caps_look_back_on_is_not_removed(store: JourneyStore) -> None:
    add(store, ended("a"))
    with pytest.raises(JourneysError, match=r"history of 1 day\(s\) .* keep 2 days or more"):
        store.retain(as_of=LATER, days=1)
    assert read(store, "executions", "execution_id") == ["a"]


def test_both_stores_keep_the_same_of_a_busy_world(postgres_store: PostgresStore) -> None:
    kept = []
    for store in (MemoryStore(known_campaigns=rows.CAMPAIGN_IDS), postgres_store):
        with store.transaction() as transaction:
            transaction.add_campaigns(rows.campaigns())
        run_all(store, 40)
        store.retain(as_of=MARCH + 8 * DAY, days=3)
        with store.transaction() as transaction:
            tables = {name: transaction.read(name) for name in ("executions", "dispatches", "events", "transitions")}
            balances = transaction.balances(pd.Index(tables["executions"]["customer_id"].unique()))
        left = tables["transitions"]
        # moves go by partitions: some of those who are gone stay a little longer
        tables["transitions"] = left[left["execution_id"].isin(tables["executions"]["execution_id"])]
        kept.append({**tables, "balances": balances})
    memory, postgres = kept
    assert 0 < len(memory["executions"]) < 60
    for name, frame in memory.items():
        by = list(frame.columns[:1]) + [name for name in ("node_id", "visit", "at") if name in frame]
        one, other = (f.sort_values(by, ignore_index=True) for f in (frame, postgres[name]))
        pd.testing.assert_frame_equal(one, other, obj=name)
    assert examine(postgres_store).faults == []


def test_runs_do_not_look_for_people_in_a_version_that_everybody_left(store: JourneyStore) -> None:
    add(store, ended("a"), rows.executions("b", journey_version=2))
    with store.transaction() as transaction:
        for name in ("First", "Second"):
            transaction.publish({**rows.DOCUMENT, "name": name}, at=NOW)
    for as_of in (NOW, LATER):
        store.retain(as_of=as_of, days=KEPT_DAYS)
        with store.transaction() as transaction:
            assert transaction.unfinished_versions() == {("welcome", 2)}


def test_who_comes_to_stand_in_a_version_that_was_left_is_found_again(postgres_store: PostgresStore) -> None:
    add(postgres_store, ended("a"))
    with postgres_store.transaction() as transaction:
        for name in ("First", "Second"):
            transaction.publish({**rows.DOCUMENT, "name": name}, at=NOW)
    postgres_store.retain(as_of=LATER, days=KEPT_DAYS)
    add(postgres_store, rows.executions("late"))
    postgres_store.retain(as_of=LATER, days=KEPT_DAYS)
    with postgres_store.transaction() as transaction:
        assert transaction.unfinished_versions() == {("welcome", 1)}
