"""Schedules and sensors: what a tick asks for, and when it asks for nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from assets.arrivals import Arrivals, find_arrivals
from assets.automation import (
    advance_every_five_minutes,
    dispatch_every_five_minutes,
    new_events_and_starts,
    retention_at_night,
)
from journey_pipelines.definitions import build_definitions
from journey_pipelines.engine.frames import EVENTS, STARTS, conform
from journey_pipelines.engine.ports import Hold, Run, SnapshotCounts
from journey_pipelines.store.memory import MemoryStore
from tests.behaviour.builders import chain, wait

NOON = datetime(2017, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp() as instance:
        yield instance


def store_with(*documents: dict[str, Any]) -> MemoryStore:
    store = MemoryStore()
    with store.transaction() as transaction:
        for document in documents or (chain(),):
            transaction.publish(document, at=NOON - timedelta(days=9))
    return store


def start(store: MemoryStore, at: datetime) -> None:
    row = {"start_id": "s", "journey_key": "test", "customer_id": "7", "at": at, "context": {}, "status": "waiting"}
    frame = pd.DataFrame([row]).astype({"at": "datetime64[us, UTC]"})
    with store.transaction() as transaction:
        transaction.add_starts(conform(frame, STARTS))


@pytest.mark.parametrize("schedule", [advance_every_five_minutes, dispatch_every_five_minutes, retention_at_night])
def test_a_tick_stands_for_its_own_time_and_runs_once(
    instance: dg.DagsterInstance, schedule: dg.ScheduleDefinition
) -> None:
    context = dg.build_schedule_context(instance, scheduled_execution_time=NOON)
    (request,) = schedule.evaluate_tick(context).run_requests or []
    assert request.run_key == NOON.isoformat()
    (op,) = request.run_config["ops"].values()
    assert op["config"]["as_of"] == NOON.isoformat()


def test_a_tick_is_skipped_while_its_job_is_active(instance: dg.DagsterInstance) -> None:
    instance.create_run_for_job(build_definitions().resolve_job_def("advance_due"), status=dg.DagsterRunStatus.STARTED)
    context = dg.build_schedule_context(instance, scheduled_execution_time=NOON)
    tick = advance_every_five_minutes.evaluate_tick(context)
    assert not tick.run_requests
    assert "is active" in str(tick.skip_message)


def test_the_daily_schedule_asks_for_the_day_that_has_just_ended(instance: dg.DagsterInstance) -> None:
    schedule = build_definitions().resolve_schedule_def("daily_journeys_after_midnight")
    context = dg.build_schedule_context(
        instance,
        scheduled_execution_time=datetime(2017, 3, 2, 0, 15, tzinfo=UTC),
        repository_def=build_definitions().get_repository_def(),
    )
    (request,) = schedule.evaluate_tick(context).run_requests or []
    assert request.partition_key == "2017-03-01"


def test_the_sensor_asks_for_a_sweep_when_a_manual_start_waits(instance: dg.DagsterInstance) -> None:
    store = store_with()
    context = dg.build_sensor_context(instance, resources={"store": store})
    assert isinstance(new_events_and_starts(context), dg.SkipReason)
    start(store, NOON)
    request = new_events_and_starts(dg.build_sensor_context(instance, resources={"store": store}))
    assert isinstance(request, dg.RunRequest)
    assert request.tags["journeys/starts"] == "1"


def test_a_start_of_tomorrow_does_not_count_today() -> None:
    store = store_with()
    start(store, NOON + timedelta(days=1))
    assert not find_arrivals(store, NOON)


def test_a_held_journey_asks_for_nothing_until_it_is_released() -> None:
    store = store_with()
    start(store, NOON)
    counts = SnapshotCounts("test", NOON, "features@2017-03-02@0", 0)
    with store.transaction() as transaction:
        transaction.open_run(Run("r", NOON))
        transaction.hold(Hold("r", "test", "empty_features", counts))
    assert not find_arrivals(store, NOON)
    with store.transaction() as transaction:
        transaction.approve("r", at=NOON)
    assert find_arrivals(store, NOON) == Arrivals(starts=1, events=0)


def test_an_event_counts_once_and_only_for_who_waits_for_it(project_of_waiters: MemoryStore) -> None:
    store = project_of_waiters
    add_event(store, "someone else", NOON)
    assert not find_arrivals(store, NOON)
    add_event(store, "7", NOON)
    assert find_arrivals(store, NOON) == Arrivals(starts=0, events=1)
    with store.transaction() as transaction:
        transaction.open_run(Run("sweep", NOON, kind="advance"))
        transaction.close_run("sweep", {})
    assert not find_arrivals(store, NOON + timedelta(minutes=1))


@pytest.fixture
def project_of_waiters() -> MemoryStore:
    """Customer 7 waits for a purchase since yesterday."""
    document = chain(wait("bought", event="customer.purchase", timeout="P7D"))
    document["edges"] = [
        {"source": "start", "target": "bought"},
        {"source": "bought", "target": "done", "branch": "event"},
        {"source": "bought", "target": "done", "branch": "timeout"},
    ]
    store = store_with(document)
    since = pd.Timestamp(NOON - timedelta(days=1))
    row = {
        "execution_id": "e",
        "journey_key": "test",
        "journey_version": 1,
        "customer_id": "7",
        "entry_number": 1,
        "entered_via": "entry",
        "state": "WAITING",
        "current_node_id": "bought",
        "visit": 1,
        "due_at": since + timedelta(days=7),
        "entered_at": since,
        "arrived_at": since,
        "waiting_for": "customer.purchase",
        "events_since": since,
    }
    with store.transaction() as transaction:
        transaction.add_executions(executions([row]))
    return store


def executions(rows: list[dict[str, Any]]) -> pd.DataFrame:
    from journey_pipelines.engine.frames import EXECUTIONS

    return conform(pd.DataFrame(rows), EXECUTIONS)


def add_event(store: MemoryStore, customer: str, at: datetime) -> None:
    row = {
        "event_id": f"bought-by-{customer}",
        "customer_id": customer,
        "event_type": "customer.purchase",
        "occurred_at": pd.Timestamp(at),
        "received_at": pd.Timestamp(at),
        "data": {},
        "is_used": False,
    }
    with store.transaction() as transaction:
        transaction.add_events(conform(pd.DataFrame([row]), EVENTS))
