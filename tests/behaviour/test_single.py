"""The advance of one execution: the steps of a pass, for it alone, on both stores."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore, Run, StoreTransaction
from journey_pipelines.engine.single import Outcome, SingleAdvance, advance_one
from journey_pipelines.errors import NotFoundError, UnknownFeatureError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.store.patience import Patience
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import DONE, MARCH, START, action, chain, edge, event, features, journey, only, wait
from tests.behaviour.passes import ACTIONS, Passes
from tests.store.losing import losing_commit
from tests.store.rows import changes, ids
from tests.store.test_postgres_concurrency import Meanwhile

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WAITING = chain(wait("w", duration="P1D"), action("bye"))
BUYING = journey(
    [
        START,
        wait("bought", event="customer.purchase", timeout="P9D", rule={">": [{"var": "amount"}, 5]}),
        action("thanks", "award_points"),
        DONE,
        {"id": "silent", "type": "end"},
    ],
    [
        edge("start", "bought"),
        edge("bought", "thanks", "event"),
        edge("bought", "silent", "timeout"),
        edge("thanks", "done"),
    ],
)
PEOPLE = [str(number) for number in range(200)]


def one_of(passes: Passes, customer_id: str = "7") -> str:
    """The customer's execution."""
    return str(only(passes.read("executions", customer_id=customer_id))["execution_id"])


def advance(passes: Passes, as_of: datetime, execution_id: str | None = None) -> SingleAdvance:
    """The advance of one execution, customer 7's unless said otherwise, with a run id of its own."""
    passes.count += 1
    wanted = execution_id or one_of(passes)
    return advance_one(passes.engine, Run(f"run-{passes.count}", as_of, kind="continue"), wanted)


def nodes_left(passes: Passes) -> list[str]:
    left: list[str] = passes.read("transitions")["node_id"].to_list()
    return left


def test_a_due_execution_moves_up_to_the_next_block(store: JourneyStore) -> None:
    passes = Passes(store, WAITING)
    passes.run(MARCH)
    made = advance(passes, MARCH + DAY)
    assert (made.outcome, made.execution["current_node_id"]) == (Outcome.MOVED, "bye")
    assert nodes_left(passes) == ["start", "w"]


def test_what_it_requests_leaves_with_the_next_run(store: JourneyStore) -> None:
    passes = Passes(store, WAITING)
    passes.run(MARCH)
    advance(passes, MARCH + DAY)
    assert only(passes.read("dispatches"))["status"] == "pending"
    passes.advance(MARCH + DAY)
    assert only(passes.read("dispatches"))["status"] == "sent"
    assert only(passes.read("executions"))["state"] == "COMPLETED"


def test_nobody_else_moves(store: JourneyStore) -> None:
    passes = Passes(store, WAITING, features=features(["7", "8"]))
    passes.run(MARCH)
    advance(passes, MARCH + DAY)
    assert only(passes.read("executions", customer_id="8"))["current_node_id"] == "w"


def test_its_run_is_recorded_and_closed(store: JourneyStore) -> None:
    passes = Passes(store, WAITING)
    passes.run(MARCH)
    advance(passes, MARCH + DAY)
    run = passes.read("runs").iloc[-1]
    assert (run["run_id"], run["kind"], run["is_closed"]) == ("run-2", "continue", True)
    assert passes.read("transitions")["run_id"].to_list() == ["run-1", "run-2"]


def test_an_execution_that_is_not_due_stays_and_no_run_is_recorded(store: JourneyStore) -> None:
    passes = Passes(store, WAITING)
    passes.run(MARCH)
    made = advance(passes, MARCH + DAY - HOUR)
    assert (made.outcome, made.execution["current_node_id"]) == (Outcome.NOT_DUE, "w")
    assert nodes_left(passes) == ["start"]
    assert len(passes.read("runs")) == 1


def test_a_second_advance_for_the_same_time_does_nothing(store: JourneyStore) -> None:
    passes = Passes(store, WAITING)
    passes.run(MARCH)
    advance(passes, MARCH + DAY)
    assert advance(passes, MARCH + DAY).outcome is Outcome.NOT_DUE
    assert len(passes.read("dispatches")) == 1


def test_an_event_ends_the_wait_of_its_execution(store: JourneyStore) -> None:
    passes = Passes(store, BUYING)
    passes.run(MARCH)
    passes.add_events([event("e", MARCH + HOUR, data={"amount": 9})])
    made = advance(passes, MARCH + HOUR)
    assert (made.outcome, made.execution["current_node_id"]) == (Outcome.MOVED, "thanks")
    assert passes.read("transitions")["branch"].to_list()[1] == "event"
    assert only(passes.read("events"))["is_used"]


def test_an_event_that_the_wait_refuses_moves_nobody(store: JourneyStore) -> None:
    passes = Passes(store, BUYING)
    passes.run(MARCH)
    passes.add_events([event("e", MARCH + HOUR, data={"amount": 5})])
    assert advance(passes, MARCH + HOUR).outcome is Outcome.NOT_DUE


def test_a_known_result_takes_it_on(store: JourneyStore) -> None:
    passes = Passes(store, chain(action("hello"), wait("w", duration="P1D")))
    passes.run(MARCH)
    wanted = one_of(passes)
    with store.transaction() as transaction:
        back = transaction.lock_executions(ids(wanted)).assign(
            state="IN_PROGRESS", current_node_id="hello", due_at=pd.NaT, action_status="sent"
        )
        transaction.save(changes(back))
    made = advance(passes, MARCH)
    assert (made.outcome, made.execution["current_node_id"]) == (Outcome.MOVED, "w")


def test_an_execution_at_an_action_without_a_result_stays(store: JourneyStore) -> None:
    passes = Passes(store, WAITING)
    passes.run(MARCH)
    advance(passes, MARCH + DAY)
    assert advance(passes, MARCH + 9 * DAY).outcome is Outcome.NOT_DUE


def test_a_paused_journey_does_not_move(store: JourneyStore) -> None:
    passes = Passes(store, WAITING)
    passes.run(MARCH)
    passes.set_status("paused")
    assert advance(passes, MARCH + DAY).outcome is Outcome.PAUSED
    assert nodes_left(passes) == ["start"]


def test_an_archived_journey_lets_its_people_finish(store: JourneyStore) -> None:
    passes = Passes(store, WAITING)
    passes.run(MARCH)
    passes.set_status("archived")
    assert advance(passes, MARCH + DAY).outcome is Outcome.MOVED


def test_a_shrunk_snapshot_holds_it(store: JourneyStore) -> None:
    dated = [features(PEOPLE, dates=["2017-03-01"]), features(PEOPLE[:50], dates=["2017-03-02"])]
    passes = Passes(store, WAITING, features=pd.concat(dated))
    passes.run(MARCH)
    made = advance(passes, MARCH + DAY)
    assert made.outcome is Outcome.HELD
    assert made.reason.startswith("shrunk: ")
    assert set(nodes_left(passes)) == {"start"}


def test_a_journey_that_the_last_run_held_stays_held_until_somebody_approves(store: JourneyStore) -> None:
    passes = Passes(store, {**WAITING, "max_sends_per_run": 1}, features=features(["7", "8"]))
    passes.run(MARCH)
    passes.run(MARCH + DAY)
    made = advance(passes, MARCH + DAY)
    assert made.outcome is Outcome.HELD
    assert made.reason.startswith("too_many_sends: ")
    with store.transaction() as transaction:
        transaction.approve("run-2", at=MARCH + DAY)
    assert advance(passes, MARCH + DAY).outcome is Outcome.MOVED


def test_a_run_that_was_decided_later_supersedes_it(store: JourneyStore) -> None:
    passes = Passes(store, BUYING)
    passes.run(MARCH, MARCH + DAY)
    passes.add_events([event("e", MARCH + HOUR, data={"amount": 9})])
    made = advance(passes, MARCH + HOUR)
    assert made.outcome is Outcome.HELD
    assert made.reason.startswith("superseded: ")


def test_a_version_that_cannot_be_compiled_any_more_is_held(store: JourneyStore) -> None:
    passes = Passes(store, chain(wait("w", duration="P1D"), action("bonus", "award_points")))
    passes.run(MARCH)
    without = {name: kind for name, kind in ACTIONS.items() if name != "award_points"}
    passes.engine = replace(passes.engine, catalog=Catalog(actions=without))
    made = advance(passes, MARCH + DAY)
    assert made.outcome is Outcome.HELD
    assert "award_points" in made.reason


def test_a_customer_without_features_stays_for_the_grace(store: JourneyStore) -> None:
    dated = [features(["7", "8"], dates=["2017-03-01"]), features(["8"], dates=["2017-03-02"])]
    passes = Passes(store, WAITING, features=pd.concat(dated))
    passes.run(MARCH)
    made = advance(passes, MARCH + DAY)
    assert (made.outcome, made.execution["current_node_id"]) == (Outcome.MISSING, "w")


def test_an_ended_execution_has_ended(store: JourneyStore) -> None:
    passes = Passes(store, WAITING)
    passes.run(MARCH, MARCH + DAY)
    assert advance(passes, MARCH + 2 * DAY).outcome is Outcome.ENDED


def test_an_unknown_execution_is_not_found(store: JourneyStore) -> None:
    with pytest.raises(NotFoundError, match="no execution nobody"):
        advance(Passes(store, WAITING), MARCH, "nobody")


def test_a_feature_that_the_snapshot_lacks_is_told_and_moves_nobody(store: JourneyStore) -> None:
    first = features(dates=["2017-03-01"], shoe_size=40)
    document = {**WAITING, "exit": {"rule": {">": [{"var": "shoe_size"}, 45]}}}
    passes = Passes(store, document, features=first)
    passes.run(MARCH)
    later = Passes(store, features=features(dates=["2017-03-01"]))
    later.count = passes.count
    with pytest.raises(UnknownFeatureError, match="shoe_size"):
        advance(later, MARCH + DAY)
    assert nodes_left(passes) == ["start"]


def test_one_that_a_batch_holds_is_waited_for_and_not_moved_twice(postgres_store: PostgresStore) -> None:
    passes = Passes(postgres_store, WAITING)
    passes.run(MARCH)
    wanted = one_of(passes)

    def move(transaction: StoreTransaction) -> None:
        claim = transaction.take_due("test", 1, as_of=MARCH + DAY, missing_before=MARCH, limit=9)
        transaction.save(changes(claim.frame.assign(due_at=MARCH + 2 * DAY)))

    with ThreadPoolExecutor(1) as pool, Meanwhile(postgres_store, move) as batch:
        made = pool.submit(advance, passes, MARCH + DAY, wanted)
        with pytest.raises(TimeoutError):
            made.result(timeout=0.3)
        batch.end()
        assert made.result(timeout=60).outcome is Outcome.NOT_DUE
    assert nodes_left(passes) == ["start"]


def test_one_that_a_batch_holds_for_too_long_is_left_to_it_without_an_error(store_url: str) -> None:
    store = PostgresStore(store_url, patience=Patience(conflicts=0))
    passes = Passes(store, WAITING)
    passes.run(MARCH)
    wanted = one_of(passes)
    with Meanwhile(store, lambda transaction: transaction.lock_executions(ids(wanted))):
        assert advance(passes, MARCH + DAY, wanted).outcome is Outcome.BUSY
    assert advance(passes, MARCH + DAY, wanted).outcome is Outcome.MOVED
    store.close()


def test_many_at_once_move_it_once(postgres_store: PostgresStore) -> None:
    passes = Passes(postgres_store, WAITING)
    passes.run(MARCH)
    wanted = one_of(passes)

    def race(number: int) -> Outcome:
        return advance_one(passes.engine, Run(f"race-{number}", MARCH + DAY), wanted).outcome

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(race, range(8)))
    assert sorted(outcomes) == [Outcome.MOVED, *[Outcome.NOT_DUE] * 7]
    assert nodes_left(passes) == ["start", "w"]


def test_an_answer_that_is_lost_after_the_commit_is_told_as_a_movement(store_url: str) -> None:
    direct = PostgresStore(store_url)
    passes = Passes(direct, WAITING)
    passes.run(MARCH)
    wanted = one_of(passes)
    with losing_commit(store_url, 0, is_carried_out=True) as way:
        store = PostgresStore(way.url)
        store.transact(lambda transaction: transaction.paused())
        way.number = way.count + 2  # the second transaction is the one that moves
        passes.engine = replace(passes.engine, store=store)
        assert advance(passes, MARCH + DAY, wanted).outcome is Outcome.MOVED
        assert way.count >= way.number
        store.close()
    assert nodes_left(passes) == ["start", "w"]
    direct.close()
