"""Nothing is lost, doubled or stuck: runs that meet, answers that come late, customers who go while a send is out."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pandas as pd

from journey_pipelines.delivery.answers import answers as answer_all
from journey_pipelines.delivery.answers import no_answers
from journey_pipelines.delivery.contact import ContactPolicy, QuietHours
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.engine import outbox
from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.facts import Snapshot
from journey_pipelines.engine.frame_source import FrameSource
from journey_pipelines.engine.passes import run_pass
from journey_pipelines.engine.planning import make_plan
from journey_pipelines.engine.ports import JourneyStore, Run, StoreTransaction
from journey_pipelines.engine.variables import World
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import MARCH, action, answers, chain, features, only, segments, wait
from tests.behaviour.passes import ACTIONS, Passes
from tests.store.rows import changes, events
from tests.store.test_postgres_concurrency import Meanwhile
from tests.store.test_postgres_connections import end_other_sessions

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
QUIET = ContactPolicy(quiet_hours=QuietHours(time(21), time(8)))
NIGHT = datetime(2017, 3, 1, 23, tzinfo=UTC)
MORNING = datetime(2017, 3, 2, 8, tzinfo=UTC)


class Asked(CallableDispatcher):
    """A provider that can be asked, with one answer for each time that it is."""

    def __init__(self, deliver: Any, *found: str | None) -> None:
        super().__init__(ACTIONS, deliver)
        self.found = list(found)

    def reconcile(self, unknown: pd.DataFrame) -> pd.DataFrame:
        status = self.found.pop(0) if len(unknown) and self.found else None
        return no_answers() if status is None else answer_all(unknown["key"], status)


def meanwhile(step: Callable[[], object], status: str = "sent") -> Any:
    """A deliverer during whose first call something else happens; `calls` keeps the keys of each call."""
    calls: list[list[str]] = []

    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        calls.append(dispatches["key"].to_list())
        if len(calls) == 1:
            step()
        return answer_all(dispatches["key"], status)

    deliver.calls = calls  # type: ignore[attr-defined]
    return deliver


def drain(passes: Passes, as_of: datetime) -> int:
    """Only the deliveries of a pass: what remains of it where another run holds the executions."""
    run = Run("drain", as_of)
    world = World(passes.source.at(as_of))
    with passes.store.run_lock(run.run_id):
        with passes.store.transaction() as transaction:
            plan = make_plan(transaction, passes.engine.catalog, world.facts)
            transaction.open_run(run)
        return outbox.deliver_pending(Pass(passes.engine, run, world, plan))


def test_a_deferred_send_that_is_out_again_is_not_sent_by_another_run(store: JourneyStore) -> None:
    deliver = meanwhile(lambda: passes.advance(MORNING))
    dispatcher = CallableDispatcher(ACTIONS, deliver, policy=QUIET)
    passes = Passes(store, chain(action("a")), dispatcher=dispatcher)
    passes.run(NIGHT)
    drain(passes, MORNING)
    assert len(deliver.calls) == 1
    passes.advance(MORNING)
    assert only(passes.read("executions"))["state"] == "COMPLETED"
    assert len(deliver.calls) == 1


def test_what_the_provider_says_never_left_is_sent_and_not_taken_for_sent(store: JourneyStore) -> None:
    deliver = answers("unknown", "sent")
    passes = Passes(store, chain(action("a")), dispatcher=Asked(deliver, "retry"))
    passes.run(MARCH, MARCH + 2 * DAY)
    assert len(deliver.calls) == 2
    known = only(passes.read("executions"))["context"]["action_result_a"]
    assert "confirmed" not in known


def test_an_answer_that_comes_after_another_run_settled_it_changes_nothing(store: JourneyStore) -> None:
    def take_for_abandoned() -> None:
        with store.transaction() as transaction:
            sending = transaction.read("dispatches", status="sending")
            transaction.save_dispatches(sending.assign(status="unknown"))
        passes.advance(MARCH)

    deliver = meanwhile(take_for_abandoned, "retry")
    passes = Passes(store, chain(action("a"), wait("w", duration="P1D")), dispatcher=Asked(deliver, "sent"))
    passes.run(MARCH)
    assert only(passes.read("dispatches"))["status"] == "sent"
    execution = only(passes.read("executions"))
    assert (execution["current_node_id"], execution["state"]) == ("w", "WAITING")
    assert pd.isna(execution["action_status"])


def test_an_answer_still_counts_while_nobody_else_knows_one(store: JourneyStore) -> None:
    def take_for_abandoned() -> None:
        with store.transaction() as transaction:
            sending = transaction.read("dispatches", status="sending")
            transaction.save_dispatches(sending.assign(status="unknown"))

    passes = Passes(store, chain(action("a")), dispatcher=CallableDispatcher(ACTIONS, meanwhile(take_for_abandoned)))
    passes.run(MARCH)
    assert only(passes.read("dispatches"))["status"] == "sent"
    assert only(passes.read("executions"))["state"] == "COMPLETED"


def test_a_customer_who_is_gone_leaves_no_dispatch_of_unknown_fate(store: JourneyStore) -> None:
    people = pd.concat([features(["7", "8"], dates=["2017-03-01"]), features(["8"], dates=["2017-03-02"])])
    deliver = answers("unknown", "sent")
    document = chain(action("a"), settle_after="P9D")
    passes = Passes(store, document, features=people, dispatcher=Asked(deliver, None, "retry", "retry"))
    passes.run(MARCH, MARCH + DAY, MARCH + 5 * DAY, MARCH + 12 * DAY)
    gone = only(passes.read("dispatches", customer_id="7"))
    assert (gone["status"], gone["result"]["confirmed"]) == ("sent", False)
    assert only(passes.read("executions", customer_id="7"))["failure"].startswith("customer_gone")
    assert sum(gone["key"] in keys for keys in deliver.calls) == 1


def test_an_execution_whose_send_is_out_does_not_leave_by_the_exit_rule(store: JourneyStore) -> None:
    here = features(["7", "8"], dates=["2017-03-01", "2017-03-06"], is_closed={("2017-03-06", "7"): True})
    people = pd.concat([here, features(["8"], dates=["2017-03-02"], is_closed=None)])

    def miss_and_find_again() -> None:
        passes.run(MARCH + DAY)
        passes.advance(MARCH + 5 * DAY)

    document = chain(action("a"), exit={"rule": {"==": [{"var": "is_closed"}, True]}})
    dispatcher = CallableDispatcher(ACTIONS, meanwhile(miss_and_find_again, "unknown"))
    passes = Passes(store, document, features=people, dispatcher=dispatcher)
    passes.run(MARCH)
    execution = only(passes.read("executions", customer_id="7"))
    assert (execution["state"], execution["action_status"]) == ("IN_PROGRESS", "unknown")
    passes.advance(MARCH + 6 * DAY)
    assert only(passes.read("executions", customer_id="7"))["state"] == "COMPLETED"
    assert set(passes.read("dispatches")["status"]) == {"sent"}


def test_an_older_day_that_runs_at_the_same_time_does_not_follow_a_later_one(store: JourneyStore) -> None:
    class Slow(FrameSource):
        """While the second day looks at the members of the first, the third one runs."""

        third: Future[Any] | None = None

        def segment(self, name: str, snapshot_id: str) -> Snapshot:
            if self.third is None:
                self.third = pool.submit(passes.run, MARCH + 2 * DAY)
                wait_for([self.third], timeout=1)
            return super().segment(name, snapshot_id)

    joined = segments({"2017-03-01": ["1"], "2017-03-02": ["1", "2"], "2017-03-03": ["1", "2", "3"]})
    people = features(["1", "2", "3"])
    document = chain(wait("w", duration="P9D"), entry={"segment": "loyal"})
    passes = Passes(store, document, features=people, segments=joined)
    passes.run(MARCH)
    slow = Slow(people, joined, None, segment_names=["loyal"])
    passes.engine = replace(passes.engine, source=slow)
    with ThreadPoolExecutor(1) as pool:
        passes.run(MARCH + DAY)
    with store.transaction() as transaction:
        accepted = transaction.accepted("test")
    assert accepted is not None
    assert accepted.as_of == MARCH + 2 * DAY
    entered = passes.read("executions").set_index("customer_id")["entered_at"].dt.day
    assert entered.to_dict() == {"2": 2, "3": 3}


def test_deliveries_do_not_wait_for_an_execution_that_another_run_holds(postgres_store: PostgresStore) -> None:
    passes = Passes(postgres_store, chain(action("a")), dispatcher=CallableDispatcher(ACTIONS, policy=QUIET))
    passes.run(NIGHT)
    everybody = pd.Index(passes.read("executions")["execution_id"])

    def move(transaction: StoreTransaction) -> None:
        transaction.lock_executions(everybody)

    with ThreadPoolExecutor(1) as pool, Meanwhile(postgres_store, move):
        assert pool.submit(drain, passes, MORNING).result(timeout=30) == 0
    passes.advance(MORNING)
    assert only(passes.read("executions"))["state"] == "COMPLETED"


def test_two_deliveries_at_once_keep_to_the_cap_of_one_customer(postgres_store: PostgresStore) -> None:
    documents = [chain(action("a"), key="one"), chain(action("a"), key="two")]
    dispatcher = CallableDispatcher(ACTIONS, policy=ContactPolicy(caps={"sms": 1}))
    passes = Passes(postgres_store, *documents, dispatcher=dispatcher)
    world = World(passes.source.at(MARCH))
    with postgres_store.transaction() as transaction:
        plan = make_plan(transaction, passes.engine.catalog, world.facts)
    run_pass(passes.engine, Run("entries", MARCH), delivers=False)
    runs = [Pass(passes.engine, Run(f"drain-{key}", MARCH), world, plan) for key in ("one", "two")]
    runs = [one.with_plan(replace(plan, held={key: "apart"})) for one, key in zip(runs, ("one", "two"), strict=True)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(outbox.deliver_pending, runs))
    assert sorted(passes.read("dispatches")["status"]) == ["pending", "sent"]


def test_a_database_that_restarts_while_a_send_is_out_costs_nothing(
    store_url: str, postgres_store: PostgresStore
) -> None:
    deliver = meanwhile(lambda: end_other_sessions(store_url))
    passes = Passes(postgres_store, chain(action("a")), deliver=deliver)
    passes.run(MARCH)
    assert only(passes.read("dispatches"))["status"] == "sent"
    assert only(passes.read("executions"))["state"] == "COMPLETED"


def test_a_journey_that_is_paused_during_a_run_sends_nothing_more(store: JourneyStore) -> None:
    deliver = meanwhile(lambda: passes.set_status("paused"))
    passes = Passes(store, chain(action("a"), action("b")), features=features(["7", "8"]), deliver=deliver)
    passes.engine = replace(passes.engine, chunk_rows=1)
    passes.run(MARCH)
    assert len(deliver.calls) == 1
    passes.set_status("live")
    passes.run(MARCH + HOUR)
    assert passes.read("executions")["state"].to_list() == ["COMPLETED", "COMPLETED"]
    assert sorted(passes.read("dispatches")["status"]) == ["sent"] * 4


def test_an_event_that_serves_two_journeys_stops_no_run(postgres_store: PostgresStore) -> None:
    names = tuple(f"e{number}" for number in range(50))
    with postgres_store.transaction() as transaction:
        transaction.add_events(events(*names))

    def use(order: tuple[str, ...]) -> None:
        with postgres_store.transaction() as transaction:
            transaction.save(changes(used=order))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, [names, names[::-1]] * 5))
    with postgres_store.transaction() as transaction:
        assert transaction.read("events")["is_used"].all()


def test_dispatches_of_unknown_fate_of_an_archived_journey_are_settled(store: JourneyStore) -> None:
    passes = Passes(store, chain(action("a")), deliver=answers("unknown"))
    passes.run(MARCH)
    passes.set_status("archived")
    passes.advance(MARCH + 2 * DAY)
    assert only(passes.read("dispatches"))["status"] == "sent"
    assert only(passes.read("executions"))["state"] == "COMPLETED"


def test_an_advance_before_the_last_accepted_time_moves_and_sends_nothing(store: JourneyStore) -> None:
    passes = Passes(store, chain(wait("w", duration="PT1H"), action("a")))
    passes.run(MARCH)
    report = passes.advance(MARCH - HOUR)
    assert report.superseded == ["test"]
    assert passes.read("executions")["state"].to_list() == ["WAITING"]


def test_a_run_that_was_never_closed_is_followed_by_the_next(store: JourneyStore) -> None:
    passes = Passes(store, chain(action("a")))
    with store.transaction() as transaction:
        transaction.open_run(Run("dead", MARCH))
    passes.run(MARCH)
    assert only(passes.read("executions"))["state"] == "COMPLETED"


def test_a_day_that_runs_after_a_sweep_of_the_next_morning_still_enters_and_moves(store: JourneyStore) -> None:
    joined = segments({"2017-03-01": ["1"], "2017-03-02": ["1", "2"]})
    document = chain(action("a"), wait("w", duration="P9D"), entry={"segment": "loyal"})
    passes = Passes(store, document, features=features(["1", "2"]), segments=joined)
    passes.run(MARCH)
    passes.advance(MARCH + 2 * DAY)
    assert passes.run(MARCH + DAY).entered == {"test": 1}
    assert only(passes.read("executions"))["current_node_id"] == "w"
