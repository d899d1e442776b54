"""Retention beside runs and other stores in Postgres: nobody is disturbed, nothing is said to be lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pandas as pd
import psycopg
import pytest

from journey_pipelines.engine.ports import Run
from journey_pipelines.store.doctor import examine
from journey_pipelines.store.memory import MemoryStore
from journey_pipelines.store.postgres import PostgresStore, retention
from tests.behaviour.builders import action, chain, days, features, wait
from tests.behaviour.passes import Passes
from tests.store import rows
from tests.store.rows import NOW, changes, ids

DAY = timedelta(days=1)
LATER = NOW + 30 * DAY
KEPT_DAYS = 10
RETURNING = {"rule": {"!!": [{"var": "customer_id"}]}, "reentry": "P1D"}
JOURNEY = chain(wait("night", duration="PT12H"), action("sms"), wait("day", duration="P1D"), entry=RETURNING)
PEOPLE = [str(number) for number in range(20)]


def end(store: PostgresStore, *names: str) -> None:
    """Let them enter and end, with a move, by a run of their own."""
    run = Run(f"run-{'-'.join(names)}", NOW)

    def work(transaction: object) -> None:
        transaction.open_run(run)  # type: ignore[attr-defined]
        transaction.add_executions(rows.executions(*names))  # type: ignore[attr-defined]
        found = transaction.lock_executions(ids(*names))  # type: ignore[attr-defined]
        over = found.assign(state="COMPLETED", due_at=pd.NaT, ended_at=pd.Timestamp(NOW), outcome="done")
        transaction.save(changes(over, rows.transitions(*names, run_id=run.run_id)))  # type: ignore[attr-defined]

    store.transact(work)


def partitions(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_inherits ON oid = inhrelid "
            r"WHERE relkind = 'r' AND relname ~ '_\d{8}$' ORDER BY relname"
        ).fetchall()
    return [name for (name,) in found]


def test_partitions_go_with_their_rows(postgres_store: PostgresStore, store_url: str) -> None:
    end(postgres_store, "a")
    assert partitions(store_url) == ["ended_20170301", "moves_20170301", "standing_20170301"]
    retained = postgres_store.retain(as_of=LATER, days=KEPT_DAYS)
    assert (partitions(store_url), retained.dropped) == ([], 3)


def test_a_partition_in_which_somebody_stands_stays(postgres_store: PostgresStore, store_url: str) -> None:
    postgres_store.transact(lambda transaction: transaction.add_executions(rows.executions("a")))
    postgres_store.retain(as_of=LATER, days=KEPT_DAYS)
    assert partitions(store_url) == ["standing_20170301"]


def test_a_store_that_knows_a_dropped_partition_makes_it_again(postgres_store: PostgresStore, store_url: str) -> None:
    other = PostgresStore(store_url)
    end(other, "a")
    postgres_store.retain(as_of=LATER, days=KEPT_DAYS)
    end(other, "b")
    with other.transaction() as transaction:
        assert transaction.read("executions")["execution_id"].tolist() == ["b"]
        assert transaction.read("transitions")["execution_id"].tolist() == ["b"]
    other.close()


def test_a_statement_that_names_a_dropped_partition_is_tried_again(postgres_store: PostgresStore) -> None:
    tries = []

    def work(transaction: object) -> None:
        tries.append(1)
        if len(tries) == 1:
            transaction.session.execute(b"SELECT FROM standing_20170301")  # type: ignore[attr-defined]

    postgres_store.transact(work)
    assert len(tries) == 2


def test_partitions_that_are_in_use_are_left_for_the_next_time(
    postgres_store: PostgresStore, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TRIES", 1)
    monkeypatch.setattr(retention, "LONGEST_WAIT", "10ms")
    end(postgres_store, "a")
    with psycopg.connect(store_url) as reader:
        reader.execute("SELECT FROM journeys.ended")
        retained = postgres_store.retain(as_of=LATER, days=KEPT_DAYS)
        assert (retained.busy, "executions" in retained.removed) == (1, False)
        with postgres_store.transaction() as transaction:
            assert transaction.read("executions")["execution_id"].tolist() == ["a"]
    assert "row_lost" not in [fault.check for fault in examine(postgres_store).faults]
    assert postgres_store.retain(as_of=LATER, days=KEPT_DAYS).busy == 0
    assert not partitions(store_url)


def test_runs_and_retentions_at_once_come_to_what_runs_alone_come_to(
    postgres_store: PostgresStore, store_url: str
) -> None:
    alone = Passes(MemoryStore(), JOURNEY, features=features(PEOPLE))
    beside = Passes(postgres_store, JOURNEY, features=features(PEOPLE), chunk_rows=7)
    cleaner = PostgresStore(store_url)
    noons = days(9)
    alone.run(*noons)
    with ThreadPoolExecutor(1) as pool:
        for noon in noons:
            cleaning = pool.submit(cleaner.retain, as_of=noon, days=2)
            beside.run(noon)
            assert cleaning.result().busy == 0
    for store in (alone.store, postgres_store):
        store.retain(as_of=noons[-1], days=2)
    for table, by in {"executions": ["execution_id"], "dispatches": ["key"]}.items():
        one, other = (p.read(table).sort_values(by, ignore_index=True) for p in (alone, beside))
        pd.testing.assert_frame_equal(one, other)
    assert alone.read("executions")["entry_number"].max() >= 3
    assert examine(postgres_store).faults == []
    cleaner.close()


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM standing WHERE execution_id = 'inside'", "DELETE FROM ended WHERE execution_id = 'late'"],
)
def test_what_is_lost_is_still_told_from_what_was_removed(postgres_store: PostgresStore, statement: str) -> None:
    end(postgres_store, "old")
    late = rows.executions(
        "late", state="COMPLETED", due_at=pd.NaT, entered_at=LATER - DAY, ended_at=LATER, outcome="done"
    )
    for frame in (rows.executions("inside", entered_at=NOW - 90 * DAY), late):
        postgres_store.transact(lambda transaction, frame=frame: transaction.add_executions(frame))
    postgres_store.retain(as_of=LATER, days=KEPT_DAYS)
    assert "row_lost" not in [fault.check for fault in examine(postgres_store).faults]
    postgres_store.transact(lambda transaction: transaction.session.execute(statement.encode()))  # type: ignore[attr-defined]
    [lost] = [fault for fault in examine(postgres_store).faults if fault.check == "row_lost"]
    assert lost.count == 1
    assert lost.example in statement


def test_a_long_history_goes_in_several_steps(
    postgres_store: PostgresStore, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 2)
    for number in range(5):
        old = rows.executions(
            f"e{number}", state="COMPLETED", due_at=pd.NaT, ended_at=NOW + number * DAY, outcome="done"
        )
        postgres_store.transact(lambda transaction, old=old: transaction.add_executions(old))
    retained = postgres_store.retain(as_of=LATER, days=KEPT_DAYS)
    assert (retained.removed["executions"], retained.dropped, partitions(store_url)) == (5, 5, [])
