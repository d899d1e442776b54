"""Replays that are kept: a schema of their own beside the journey store, which they never write to."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pandas as pd
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, POINTS_TRANSACTIONS, TRANSITIONS
from journey_pipelines.store.postgres.address import parse_address
from journey_pipelines.store.postgres.analytics import COLUMNS, Analytics
from journey_pipelines.store.postgres.connections import Connections
from journey_pipelines.store.postgres.failures import store_error
from journey_pipelines.store.postgres.session import Session
from journey_pipelines.store.statements import replay_schema, statements

SCHEMA: Final = "journeys_replay"
SQL: Final = statements("replays")
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "executions": EXECUTIONS,
    "transitions": TRANSITIONS,
    "dispatches": DISPATCHES,
    "points_transactions": POINTS_TRANSACTIONS,
}
ANALYTICS: Final[Mapping[str, str]] = {
    "passages": "replayed_passages",
    "survival": "replayed_survival",
    "standing": "replayed_standing",
    "days": "replayed_days",
    "ends": "replayed_ends",
    "sends": "replayed_sends",
    "points": "replayed_points",
    "arms": "replayed_arms",
}
ERASURES: Final[Mapping[str, str]] = {
    "executions": "forget_in_executions",
    "transitions": "forget_in_transitions",
    "dispatches": "forget_in_dispatches",
    "points_transactions": "forget_in_points_transactions",
}
REMOVALS: Final = ("remove_executions", "remove_transitions", "remove_dispatches", "remove_points_transactions")


@dataclass(frozen=True)
class KeptReplay:
    """What was walked, and what it came to; `hash` is equal for replays that came to the same rows."""

    replay: str
    documents: Sequence[Mapping[str, Any]]
    first_day: date
    last_day: date
    hash: str
    customer_days: int
    seconds: float


class ReplayWriter:
    """Takes the rows of one replay (a `History`), in one transaction."""

    def __init__(self, session: Session, replay: str) -> None:
        self._session = session
        self._replay = replay

    def take(self, table: str, rows: pd.DataFrame) -> None:
        """Rows of one of TABLES, in its columns."""
        columns = TABLES[table]
        self._session.stage(table, rows, columns)
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("INSERT INTO {table} (replay, {names}) SELECT %(replay)s, {names} FROM {incoming}")
        incoming = sql.Identifier("pg_temp", f"incoming_{table}")
        self._session.execute(
            statement.format(table=sql.Identifier(SCHEMA, table), names=names, incoming=incoming), replay=self._replay
        )

    def finish(self, kept: KeptReplay, *, run_id: str) -> None:
        """Note what the replay was; without this nothing of it is found."""
        values = {**vars(kept), "documents": Jsonb(list(kept.documents)), "run_id": run_id}
        self._session.execute(SQL["add_replay"], **values)


class ReplayTables:
    """The schema `journeys_replay`, made on first use; of the journey store only documents and rates are read.

    `url` is that of the journey store. Raises StoreError for one that cannot be read.
    """

    def __init__(self, url: str) -> None:
        self._address = parse_address(url)
        self._connections = Connections(self._address, SCHEMA)
        self._is_made = False

    def close(self) -> None:
        """Close its connections."""
        self._connections.close()

    @contextmanager
    def writing(self, replay: str) -> Iterator[ReplayWriter]:
        """Replace the replay of this name, all at once when the block ends without an error."""
        with self._session() as session:
            for name in (*REMOVALS, "remove_replay"):
                session.execute(SQL[name], replay=replay)
            yield ReplayWriter(session, replay)

    def find(self, *, replay: str | None = None, run_id: str | None = None) -> KeptReplay | None:
        """The newest replay of this name or run, or of all; None where there is none."""
        with self._session() as session:
            rows = session.rows(SQL["replay"], replay=replay, run_id=run_id)
        return KeptReplay(*rows[0]) if rows else None

    def read(self, table: str, replay: str) -> pd.DataFrame:
        """All rows of one of TABLES that a replay has, in no order."""
        query = sql.SQL("SELECT * FROM {} WHERE replay = %(replay)s").format(sql.Identifier(SCHEMA, table))
        with self._session() as session:
            return session.frame(query, TABLES[table], replay=replay)

    def forget(self, customer_id: str) -> dict[str, int]:
        """Remove a customer's rows of all replays; returns how many of each table. The hashes stay as they were."""
        with self._session() as session:
            return {table: session.execute(SQL[name], customer_id=customer_id) for table, name in ERASURES.items()}

    def analytics(self, replay: str, journey_key: str, *, splits: Sequence[str] = ()) -> Analytics:
        """What the store's views say of a live journey, of a replayed one; `splits`: ids of its split nodes."""
        values = {"replay": replay, "journey_key": journey_key, "splits": list(splits)}
        with self._session() as session:
            frames = {
                name: pd.DataFrame(session.rows(SQL[statement], **values), columns=COLUMNS[name])
                for name, statement in ANALYTICS.items()
            }
        return Analytics(**frames)

    def published(self, journey_key: str) -> list[tuple[int, Mapping[str, Any]]]:
        """Versions of a live journey and their documents, oldest first."""
        with self._session() as session:
            return session.rows(SQL["published"], journey_key=journey_key) if _has_journeys(session) else []

    def published_keys(self) -> list[str]:
        """Every journey that was published, sorted."""
        with self._session() as session:
            return [key for (key,) in session.rows(SQL["published_keys"])] if _has_journeys(session) else []

    def past_dispatches(self) -> pd.DataFrame:
        """action_type, status, count: what became of live actions."""
        with self._session() as session:
            rows = session.rows(SQL["past_dispatch_counts"]) if _has_journeys(session) else []
        return pd.DataFrame(rows, columns=["action_type", "status", "count"])

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """One transaction; what the database refuses becomes a StoreError."""
        with self._connections.borrow() as connection:
            try:
                with connection.transaction():
                    if not self._is_made:
                        connection.execute(SQL["wait_for_the_schema"])
                        connection.execute(replay_schema())
                    yield Session(connection, self._address)
                self._is_made = True
            except psycopg.Error as error:
                raise store_error(error, self._address) from error


def _has_journeys(session: Session) -> bool:
    return bool(session.rows(SQL["has_journeys"])[0][0])
