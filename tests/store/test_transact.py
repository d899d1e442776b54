"""`transact`: what is tried again, how often, and what is said in the end."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from journey_pipelines.engine.ports import JourneyStore, StoreTransaction
from journey_pipelines.errors import StoreConflictError, StoreError, StoreUnavailableError
from journey_pipelines.store.patience import Patience
from journey_pipelines.store.postgres import PostgresStore
from tests.store.losing import losing_commit
from tests.store.rows import NOW, executions, ids, request
from tests.store.test_postgres_connections import closed_port, end_other_sessions


@dataclass
class Waiting:
    """A clock that only waiting moves."""

    pauses: list[float] = field(default_factory=list)

    def patience(self, **bounds: Any) -> Patience:
        return replace(Patience(sleep=self.pauses.append, clock=lambda: sum(self.pauses), draw=lambda: 0.0), **bounds)


def enter(transaction: StoreTransaction) -> int:
    return len(transaction.add_executions(executions("a", "b")))


def at_first(step: Callable[[], object]) -> Callable[[], None]:
    """The step the first time that it is called, then nothing."""
    left = [step]
    return lambda: (left.pop()() if left else None, None)[1]


def test_it_gives_what_the_work_gives_and_keeps_it(store: JourneyStore) -> None:
    assert store.transact(enter) == 2
    assert store.transact(lambda transaction: len(transaction.read("executions"))) == 2


def test_any_other_failure_is_not_tried_again(store: JourneyStore) -> None:
    tries = []

    def refuse(transaction: StoreTransaction) -> None:
        tries.append(enter(transaction))
        raise StoreError("refused")

    with pytest.raises(StoreError, match="refused"):
        store.transact(refuse)
    assert tries == [2]
    assert store.transact(lambda transaction: len(transaction.read("executions"))) == 0


def test_two_who_wait_for_one_another_both_get_through(store_url: str) -> None:
    waiting = Waiting()
    store = PostgresStore(store_url, patience=waiting.patience())
    store.transact(enter)
    barrier = threading.Barrier(2)

    def lock(first: str, second: str) -> list[str]:
        meet = at_first(lambda: barrier.wait(60))

        def work(transaction: StoreTransaction) -> list[str]:
            transaction.lock_executions(ids(first))
            meet()
            locked: list[str] = transaction.lock_executions(ids(second))["execution_id"].tolist()
            return locked

        return store.transact(work)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lock, "ab", "ba")) == [["b"], ["a"]]
    assert len(waiting.pauses) == 1
    store.close()


def clash(store: PostgresStore) -> Callable[[StoreTransaction], None]:
    """Work that fails to serialize: another transaction changes a row that it has read, before it writes that row."""

    def touch() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(store.transact, lambda other: other.mark_missing("welcome", ids("customer-a"), NOW)).result(60)
            pool.submit(store.transact, lambda other: other.clear_missing("welcome", ids("customer-a"))).result(60)

    def work(transaction: Any) -> None:
        transaction.session.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        transaction.read("executions")
        touch()
        transaction.lock_executions(ids("a"))

    return work


def test_conflicts_without_end_are_told_with_the_next_step(store_url: str) -> None:
    waiting = Waiting()
    store = PostgresStore(store_url, patience=waiting.patience(conflicts=3))
    store.transact(enter)
    with pytest.raises(StoreConflictError, match=r"wanted the same rows.*run again"):
        store.transact(clash(store))
    assert waiting.pauses == [0.05, 0.1, 0.2]
    store.close()


def test_work_whose_connection_breaks_is_done_once_on_another(store_url: str) -> None:
    store = PostgresStore(store_url, patience=Waiting().patience())
    lose = at_first(lambda: end_other_sessions(store_url))

    def work(transaction: StoreTransaction) -> int:
        count = enter(transaction)
        lose()
        transaction.read("executions")
        return count

    assert store.transact(lambda transaction: len(transaction.read("executions"))) == 0
    assert store.transact(work) == 2
    assert store.transact(lambda transaction: len(transaction.read("executions"))) == 2
    store.close()


def test_a_database_that_stays_away_is_waited_for_no_longer_than_the_patience(store_url: str) -> None:
    waiting = Waiting()
    store = PostgresStore(store_url, patience=waiting.patience(absent_seconds=20))

    def work(transaction: StoreTransaction) -> None:
        end_other_sessions(store_url)
        transaction.read("executions")

    with pytest.raises(StoreUnavailableError, match=r"broke off.*run again"):
        store.transact(work)
    assert 20 <= sum(waiting.pauses) < 24
    store.close()


def test_a_database_that_never_answered_is_not_waited_for() -> None:
    waiting = Waiting()
    store = PostgresStore(f"postgresql://127.0.0.1:{closed_port()}/shop", patience=waiting.patience())
    with pytest.raises(StoreUnavailableError, match="JOURNEYS_STORE_URL"):
        store.transact(enter)
    assert waiting.pauses == []


@pytest.mark.parametrize(("is_carried_out", "at_the_second_try"), [(True, 0), (False, 2)])
def test_a_commit_without_an_answer_is_tried_again(
    store_url: str, postgres_store: PostgresStore, is_carried_out: bool, at_the_second_try: int
) -> None:
    assert postgres_store.transact(lambda transaction: len(transaction.read("executions"))) == 0
    # the first is that of the migration, the second that of the partition for the date on which they are due
    with losing_commit(store_url, 3, is_carried_out=is_carried_out) as way:
        store = PostgresStore(way.url, patience=Waiting().patience())
        assert store.transact(enter) == at_the_second_try
        store.close()
    assert postgres_store.transact(lambda transaction: len(transaction.read("executions"))) == 2


def test_pauses_are_shortened_by_chance_and_never_by_more_than_a_half() -> None:
    waiting = Waiting()
    patience = replace(waiting.patience(), draw=iter([0.0, 0.5, 0.999]).__next__)
    for number in range(3):
        patience.pause(number)
    assert waiting.pauses == pytest.approx([0.05, 0.075, 0.1001])


def test_a_run_whose_lock_broke_off_takes_it_again_with_its_next_transaction(
    store_url: str, postgres_store: PostgresStore
) -> None:
    other = PostgresStore(store_url)
    with postgres_store.run_lock("run"):
        postgres_store.transact(lambda transaction: request(transaction, "a", status="sending"))
        end_other_sessions(store_url)
        postgres_store.transact(lambda transaction: transaction.paused())
        assert other.transact(lambda transaction: transaction.abandon_sending()) == 0
    assert other.transact(lambda transaction: transaction.abandon_sending()) == 1
    other.close()
