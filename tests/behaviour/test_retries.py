"""Conflicts and lost connections in the middle of a pass: tried again inside it, and nothing is done twice."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.store.patience import Patience
from journey_pipelines.store.postgres import PostgresStore
from tests.behaviour.builders import MARCH, action, chain, edge, event, features, only, wait
from tests.behaviour.passes import ACTIONS, Passes
from tests.behaviour.test_runs_at_once import lines
from tests.orchestration.project import comparable
from tests.store.losing import losing_commit
from tests.store.rows import awards, changes

DAY = timedelta(days=1)
AT_ONCE = Patience(sleep=lambda _: None)
FIRST_OF_THE_PASS = 2  # that of the migration comes before it
TABLES = ("executions", "transitions", "dispatches", "points_transactions", "runs")
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def wait_until_somebody_is_blocked(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(BLOCKED).fetchone() == (0,):
            pass


def never_refused(transaction: Any) -> None:
    """Let the other side find a deadlock, so that it is the one who is refused."""
    transaction.session.execute(b"SET LOCAL deadlock_timeout = '60s'")


def bought_or_not() -> dict[str, Any]:
    """A journey that waits for a purchase."""
    document = chain(wait("w", event="customer.purchase", timeout="P9D"))
    ways = [edge("start", "w"), edge("w", "done", "event"), edge("w", "done", "timeout")]
    return {**document, "edges": ways}


def test_a_chunk_of_movement_that_ends_in_a_deadlock_moves_all_the_same(store_url: str) -> None:
    meetings: list[Future[None]] = []
    # a pause that is as long as the other side needs
    patience = Patience(sleep=lambda _: meetings[0].result(timeout=60))
    store, other = PostgresStore(store_url, patience=patience), PostgresStore(store_url)
    passes = Passes(store, bought_or_not())
    passes.run(MARCH)
    passes.add_events([event("e", MARCH + timedelta(hours=1))])
    everybody = pd.Index(passes.read("executions")["execution_id"])
    has_begun = threading.Event()

    def meet(transaction: StoreTransaction) -> None:
        never_refused(transaction)
        transaction.save(changes(used=("e",)))
        has_begun.set()
        wait_until_somebody_is_blocked(store_url)
        transaction.lock_executions(everybody)

    with ThreadPoolExecutor(1) as pool:
        meetings.append(pool.submit(other.transact, meet))
        assert has_begun.wait(60)
        report = passes.run(MARCH + DAY)
    assert (report.held, report.moved) == ({}, 1)
    assert only(passes.read("executions"))["outcome"] == "done"
    store.close()
    other.close()


def test_answers_whose_effects_end_in_a_deadlock_are_recorded_once(store_url: str) -> None:
    store, other = PostgresStore(store_url, patience=AT_ONCE), PostgresStore(store_url)
    has_begun, are_ours, tries = threading.Event(), threading.Event(), []

    class Meeting(ChannelDispatcher):
        """Lets the other side wait for our executions as soon as we hold them."""

        def perform(self, sent: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
            tries.append(sent["execution_id"])
            are_ours.set()
            return super().perform(sent, transaction)

    def meet(transaction: StoreTransaction) -> None:
        never_refused(transaction)
        transaction.earn_points(awards("elsewhere", customer_id="7"))
        has_begun.set()
        assert are_ours.wait(60)
        transaction.lock_executions(pd.Index(tries[0]))

    passes = Passes(store, chain(action("a", "award_points")), dispatcher=Meeting(ACTIONS, {}))
    with ThreadPoolExecutor(1) as pool:
        meeting = pool.submit(other.transact, meet)
        assert has_begun.wait(60)
        report = passes.run(MARCH)
        meeting.result(timeout=60)
    assert (report.held, len(tries)) == ({}, 2)
    assert only(passes.read("executions"))["state"] == "COMPLETED"
    assert sorted(passes.read("points_transactions")["points"]) == [10, 100]
    store.close()
    other.close()


DOCUMENT = chain(action("hello"), action("bonus", "award_points"), wait("w", duration="P1D"))
PEOPLE = [str(number) for number in range(5)]


def run_over(url: str, plain_url: str, folder: Path, schema: str) -> dict[str, pd.DataFrame]:
    """One pass over a way that may break off; what the store holds then."""
    plain = PostgresStore(plain_url, schema=schema)
    store = PostgresStore(url, schema=schema, patience=AT_ONCE)
    dispatcher = ChannelDispatcher(ACTIONS, {"sms": LocalOutbox(folder)})
    passes = Passes(plain, DOCUMENT, features=features(PEOPLE), dispatcher=dispatcher)
    passes.engine = replace(passes.engine, store=store)
    assert passes.run(MARCH).held == {}
    rows = {table: comparable(passes.read(table)) for table in TABLES}
    store.close()
    plain.close()
    return rows | {"runs": passes.read("runs")[["run_id", "is_closed"]]}


@pytest.mark.parametrize("is_carried_out", [True, False])
def test_a_pass_whose_connection_breaks_at_any_commit_ends_like_an_undisturbed_one(
    store_url: str, tmp_path: Path, is_carried_out: bool
) -> None:
    expected = run_over(store_url, store_url, tmp_path / "undisturbed", "undisturbed")
    number, is_over = FIRST_OF_THE_PASS, False
    while not is_over:
        with losing_commit(store_url, number, is_carried_out=is_carried_out) as way:
            folder = tmp_path / str(number)
            found = run_over(way.url, store_url, folder, f"lost_{number}")
            is_over = way.count < number
        for table, rows in expected.items():
            pd.testing.assert_frame_equal(found[table], rows, obj=f"{table}, commit {number}")
        assert lines(folder) == len(PEOPLE)
        number += 1
    assert number > FIRST_OF_THE_PASS + 8
