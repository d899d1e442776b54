"""Two who write at once: transactions in threads, and a process that is killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.errors import StoreConflictError
from journey_pipelines.store.postgres import PostgresStore
from tests.store.rows import NOW, awards, changes, due, executions, ids, request

HOLD_A_RUN = """
import sys
from journey_pipelines.store.postgres import PostgresStore

with PostgresStore(sys.argv[1]).run_lock("run"):
    print("holding", flush=True)
    sys.stdin.read()
"""


class Meanwhile:
    """A transaction in another thread that did something and stays open until the block ends."""

    def __init__(self, store: PostgresStore, step: Callable[[StoreTransaction], object]) -> None:
        self._store = store
        self._step = step
        self._has_done = threading.Event()
        self._may_end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with self._store.transaction() as transaction:
            self._step(transaction)
            self._has_done.set()
            self._may_end.wait(60)

    def __enter__(self) -> "Meanwhile":
        self._thread.start()
        assert self._has_done.wait(60)
        return self

    def __exit__(self, *failure: object) -> None:
        self.end()

    def end(self) -> None:
        self._may_end.set()
        self._thread.join()


def take_one(transaction: StoreTransaction) -> list[str]:
    return due(transaction, limit=1)


def enter(store: PostgresStore, *names: str, **given: Any) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions(*names, **given))


def test_rows_that_another_run_holds_are_passed_over(postgres_store: PostgresStore) -> None:
    enter(postgres_store, "a", "b", due_at=NOW)  # the shard of b's customer comes first
    with Meanwhile(postgres_store, take_one), postgres_store.transaction() as transaction:
        assert due(transaction) == ["a"]


def test_dispatches_that_another_run_holds_are_passed_over(postgres_store: PostgresStore) -> None:
    with postgres_store.transaction() as transaction:
        request(transaction, "a", "b")

    def take(transaction: StoreTransaction, limit: int = 1) -> list[str]:
        taken = transaction.take_dispatches(as_of=NOW, journey_keys=["welcome"], limit=limit)
        keys: list[str] = taken["key"].tolist()
        return keys

    with Meanwhile(postgres_store, take), postgres_store.transaction() as transaction:
        assert take(transaction, limit=9) == ["b:mail:1"]


def test_a_row_that_moved_while_we_looked_is_not_taken_again(postgres_store: PostgresStore) -> None:
    enter(postgres_store, "a", due_at=NOW)

    def move(transaction: StoreTransaction) -> None:
        transaction.save(changes(executions(*take_one(transaction), due_at=None)))

    with Meanwhile(postgres_store, move):
        pass
    with postgres_store.transaction() as transaction:
        assert due(transaction) == []


def test_a_locked_execution_is_waited_for_and_seen_as_it_became(postgres_store: PostgresStore) -> None:
    enter(postgres_store, "a", due_at=NOW)

    def move(transaction: StoreTransaction) -> None:
        transaction.save(changes(executions(*take_one(transaction), current_node_id="mail", due_at=None)))

    def look() -> list[str]:
        with postgres_store.transaction() as transaction:
            nodes: list[str] = transaction.lock_executions(ids("a"))["current_node_id"].tolist()
            return nodes

    with ThreadPoolExecutor(1) as pool, Meanwhile(postgres_store, move) as other:
        looked = pool.submit(look)
        with pytest.raises(TimeoutError):
            looked.result(timeout=0.3)
        other.end()
        assert looked.result(timeout=60) == ["mail"]


def test_one_due_execution_is_waited_for_and_not_due_once_it_has_moved(postgres_store: PostgresStore) -> None:
    enter(postgres_store, "a", due_at=NOW)

    def move(transaction: StoreTransaction) -> None:
        transaction.save(changes(executions(*take_one(transaction), due_at=None)))

    def look() -> int:
        with postgres_store.transaction() as transaction:
            return len(transaction.take_one_due("a", as_of=NOW, missing_before=NOW))

    with ThreadPoolExecutor(1) as pool, Meanwhile(postgres_store, move) as other:
        looked = pool.submit(look)
        with pytest.raises(TimeoutError):
            looked.result(timeout=0.3)
        other.end()
        assert looked.result(timeout=60) == 0


def test_nobody_waits_for_one_due_execution_for_ever(postgres_store: PostgresStore) -> None:
    enter(postgres_store, "a", due_at=NOW)
    with (
        Meanwhile(postgres_store, take_one),
        pytest.raises(StoreConflictError, match="held a row for too long"),
        postgres_store.transaction() as transaction,
    ):
        transaction.take_one_due("a", as_of=NOW, missing_before=NOW)


def test_a_customer_who_enters_twice_at_once_enters_once(postgres_store: PostgresStore) -> None:
    def enter_as(name: str) -> int:
        with postgres_store.transaction() as transaction:
            return len(transaction.add_executions(executions(name, customer_id="x")))

    with ThreadPoolExecutor(4) as pool:
        entered = list(pool.map(enter_as, "abcdefgh"))
    assert sum(entered) == 1
    with postgres_store.transaction() as transaction:
        assert len(transaction.read("executions")) == 1


def test_the_same_award_twice_at_once_happens_once(postgres_store: PostgresStore) -> None:
    def award(_: int) -> list[int]:
        with postgres_store.transaction() as transaction:
            balances: list[int] = transaction.earn_points(awards("k"))["balance_after"].tolist()
            return balances

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(award, range(8))) == [[10]] * 8
    with postgres_store.transaction() as transaction:
        assert transaction.balances(ids("customer-a"))["points_balance"].tolist() == [10]


def test_awards_at_once_add_up_in_whatever_order_they_name_the_accounts(postgres_store: PostgresStore) -> None:
    def award(number: int) -> None:
        customers = ["x", "y"] if number % 2 else ["y", "x"]
        with postgres_store.transaction() as transaction:
            transaction.earn_points(awards(f"{number}-1", f"{number}-2", points=1, customer_id=customers))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(award, range(20)))
    with postgres_store.transaction() as transaction:
        assert transaction.balances(ids("x", "y"))["points_balance"].tolist() == [20, 20]
        assert sorted(transaction.read("points_transactions", customer_id="x")["balance_after"]) == [*range(1, 21)]


def test_publishing_at_once_makes_distinct_versions(postgres_store: PostgresStore) -> None:
    def publish(number: int) -> int:
        with postgres_store.transaction() as transaction:
            return transaction.publish({"key": "welcome", "name": f"text {number}"}, at=NOW)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(publish, range(8))) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_killed_process_frees_its_run(store_url: str, postgres_store: PostgresStore) -> None:
    with postgres_store.transaction() as transaction:
        request(transaction, "a", status="sending")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_A_RUN, store_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "holding"
        with postgres_store.transaction() as transaction:
            assert transaction.abandon_sending() == 0
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with postgres_store.run_lock("run"):  # waits until the server has noticed
        pass
    with postgres_store.transaction() as transaction:
        assert transaction.abandon_sending() == 1
        assert transaction.read("dispatches")["status"].tolist() == ["unknown"]


def test_two_schemas_of_one_database_have_runs_of_their_own(store_url: str, postgres_store: PostgresStore) -> None:
    other = PostgresStore(store_url, schema="other")
    with postgres_store.transaction() as transaction:
        request(transaction, "a", status="sending")
    with other.run_lock("run"), postgres_store.transaction() as transaction:
        assert transaction.abandon_sending() == 1
    other.close()
