"""How the store reaches its database, and what it says when it cannot."""

import os
import socket
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from journey_pipelines.errors import StoreError
from journey_pipelines.store.postgres import PostgresStore
from tests.store.rows import NOW, changes, dispatches, executions

SECRET = "hunter2"


def closed_port() -> int:
    """A port of the loopback that nobody listens to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def count(store: PostgresStore) -> int:
    with store.transaction() as transaction:
        return len(transaction.read("executions"))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_urls_of_libpq_and_sqlalchemy_are_understood(postgres_url: str, scheme: str) -> None:
    store = PostgresStore(scheme + postgres_url.removeprefix("postgresql"))
    assert count(store) == 0
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://me:{SECRET}@host/database",
        f"me:{SECRET}@host",
        f"postgresql://me:{SECRET}@more@host/database",
        f"postgresql://me:{SECRET}@host:no-port/database",
        f"postgresql://me:{SECRET}@host/database?no_option=1",
        f"postgresql://me:{SECRET}%zz@host/database",
        "",
    ],
)
def test_a_url_that_cannot_be_read_is_told_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match=r"URL|let us in") as caught:
        count(PostgresStore(url))
    assert SECRET not in str(caught.value)


def test_an_unreachable_database_is_one_sentence_with_the_next_step() -> None:
    store = PostgresStore(f"postgresql://me:{SECRET}@127.0.0.1:{closed_port()}/shop")
    with pytest.raises(StoreError, match=r"shop at 127\.0\.0\.1.*JOURNEYS_STORE_URL") as caught:
        count(store)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(store.__dict__["_address"])
    assert "\n" not in str(caught.value)


def test_a_missing_socket_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not let us in"):
        count(PostgresStore(f"postgresql:///shop?host={tmp_path}"))


def test_nothing_connects_before_the_first_transaction() -> None:
    PostgresStore(f"postgresql://127.0.0.1:{closed_port()}/shop").close()


def end_other_sessions(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_connection_that_died_while_idle_is_replaced(postgres_url: str, postgres_store: PostgresStore) -> None:
    assert count(postgres_store) == 0
    end_other_sessions(postgres_url)
    assert count(postgres_store) == 0


def lose_the_connection(url: str, store: PostgresStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a"))
        end_other_sessions(url)
        transaction.read("executions")


def test_a_connection_that_breaks_in_the_middle_keeps_nothing(postgres_url: str, postgres_store: PostgresStore) -> None:
    with pytest.raises(StoreError, match=r"broke off.*run again"):
        lose_the_connection(postgres_url, postgres_store)
    assert count(postgres_store) == 0


def pass_over_a_failure(store: PostgresStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", "b"))
        with pytest.raises(StoreError):
            transaction.save(changes(requested=dispatches("b", "b")))


def test_a_failure_that_is_passed_over_does_not_pass_for_a_commit(postgres_store: PostgresStore) -> None:
    with pytest.raises(StoreError, match="nothing of it is kept"):
        pass_over_a_failure(postgres_store)
    assert count(postgres_store) == 0


def test_a_refused_row_names_the_table_and_what_is_known(postgres_store: PostgresStore) -> None:
    with (
        pytest.raises(StoreError, match=r"state 'LOST'; known are NOT_STARTED"),
        postgres_store.transaction() as transaction,
    ):
        transaction.add_executions(executions("a", state="LOST"))


def test_a_schema_name_is_only_a_name(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, schema='odd "name"; DROP')
    with store.transaction() as transaction:
        transaction.publish({"key": "welcome"}, at=NOW)
    with psycopg.connect(postgres_url) as connection:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier('odd "name"; DROP', "journeys"))
        assert connection.execute(query).fetchone() == (1,)
    store.close()


def test_a_forked_child_opens_connections_of_its_own(postgres_store: PostgresStore) -> None:
    assert count(postgres_store) == 0
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with postgres_store.transaction() as transaction:
                transaction.add_executions(executions("a"))
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert count(postgres_store) == 1


def test_idle_connections_are_few(postgres_url: str, postgres_store: PostgresStore) -> None:
    for _ in range(5):
        count(postgres_store)
    with psycopg.connect(postgres_url) as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'journeys' AND datname = current_database()"
        )
        assert connection.execute(query).fetchone() == (1,)
