"""Stops everybody in the middle of an advance, by a lock on the table of moves, for as long as a block lasts."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

MOVES = "SELECT count(*) FROM journeys.moves"
BLOCKED = (
    "SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation WHERE NOT granted AND relname LIKE 'moves%'"
)


@contextmanager
def halfway(url: str, workers: int, do: Callable[[], None]) -> Iterator[list[int]]:
    """While the block runs an advance, do something once when `workers` transactions are stopped in the middle of it.

    Gives the list of what was committed by then: moves beyond those that there were before.
    """
    committed: list[int] = []
    with psycopg.connect(url, autocommit=True) as watching:
        before = _number(watching, MOVES)

    def watch() -> None:
        with psycopg.connect(url) as connection:
            while _number(connection, MOVES) == before:
                connection.rollback()
            connection.rollback()
            connection.execute("LOCK TABLE journeys.moves IN SHARE MODE")
            while _number(connection, BLOCKED) < workers:
                connection.execute("SELECT pg_sleep(0.01)")
            committed.append(_number(connection, MOVES) - before)
            do()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield committed
    thread.join()


def _number(connection: "psycopg.Connection[tuple[int]]", statement: str) -> int:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return int(row[0])
