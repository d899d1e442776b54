"""What is old goes: whole partitions where rows lie by date, and the rows elsewhere that belong to what went.

Each step is a transaction of its own that may be done again, so that a retention that dies is taken up by the next one.
The horizon is committed first: whoever finds nothing knows then whether it was removed or lost.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Final

import psycopg
from psycopg import sql

from journey_pipelines.engine.ports import Retained
from journey_pipelines.engine.retention import LEAST_DAYS
from journey_pipelines.errors import StoreConflictError
from journey_pipelines.store.patience import Patience
from journey_pipelines.store.postgres.partitions import ENDED, MOVES, STANDING, Partitioned, partitions_of
from journey_pipelines.store.postgres.session import Connection, Session
from journey_pipelines.store.statements import statements

SQL = statements("retention")
SESSION = statements("session")
PARTITIONS = statements("partitions")
# shorter than the server waits before it looks for deadlocks: whoever waits behind us waits no longer than this
LONGEST_WAIT: Final = "500ms"
TRIES: Final = 20
MOST_AT_ONCE: Final = 50  # partitions; a transaction may not hold too many locks
MOST_KEPT: Final = 0.5  # of a partition's moves may be needed still, and are carried over, when it is dropped
OF_ENDED: Final = {
    "points_transactions": "remove_points",
    "campaign_executions": "remove_campaigns",
    "dispatches": "remove_dispatches",
    "contexts": "remove_contexts",
}
BY_TIME: Final = {
    "events": "remove_events",
    "manual_starts": "remove_starts",
    "receipts": "remove_receipts",
    "held_journeys": "remove_holds",
    "runs": "remove_runs",
    "snapshots": "remove_snapshots",
}
# where rows come and go for as long as the store lives
VACUUMED: Final = (
    *("standing_acting", "unfinished", "moves_kept", "stamps", "loyalty_accounts"),
    *("points_transactions", "campaign_executions", "outbox", "contexts"),
    *BY_TIME,
)

Step = Callable[[Session], None]


class _BusyError(Exception):
    """Others held what was to be dropped for too long, each time; the step is undone."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions


class Retention:
    """One retention. `transact` does a piece of work as the store's does."""

    def __init__(self, transact: Callable[[Step], None], *, kept_from: date, today: date, patience: Patience) -> None:
        self._transact = transact
        self._kept_from = kept_from
        self._today = today
        self._patience = replace(patience, conflicts=TRIES, longest_seconds=0.5)
        self._removed: Counter[str] = Counter()
        self._dropped = 0
        self._busy = 0
        self._ended: Sequence[str] = ()

    def run(self) -> Retained:
        """Everything but the vacuum, which no transaction can hold. Partitions that runs emptied go too."""
        self._transact(self._set_horizon)
        self._do(self._find_ended)
        steps: tuple[Step, ...] = (
            *(partial(self._remove_of, part) for part in self._ended),
            self._drop_ended,
            self._remove_by_time,
            self._drop_moves,
            self._remove_stamps,
            self._mark_left,
            self._drop_emptied,
        )
        for step in steps:
            while self._do(step) == MOST_AT_ONCE:
                pass
        removed = {table: rows for table, rows in sorted(self._removed.items()) if rows}
        return Retained(self._kept_from, removed, self._dropped, self._busy)

    def _do(self, step: Step) -> int:
        """The step in a transaction; what it counts counts once, however often it is tried. How many it dropped."""
        removed, dropped = self._removed.copy(), self._dropped

        def work(session: Session) -> None:
            self._removed, self._dropped = removed.copy(), dropped
            session.execute(SESSION["take_turn"], what="retention")
            step(session)

        try:
            self._transact(work)
        except _BusyError as error:
            self._removed, self._dropped = removed, dropped
            self._busy += error.partitions
        return self._dropped - dropped

    def _set_horizon(self, session: Session) -> None:
        [(self._kept_from,)] = session.rows(SQL["set_horizon"], kept_from=self._kept_from)

    def _find_ended(self, session: Session) -> None:
        self._ended = [part for part, _ in _partitions(session, ENDED, before=self._kept_from)]

    def _remove_of(self, part: str, session: Session) -> None:
        """What belongs to those who ended in this partition; deliveries wait for no more than one of them."""
        session.execute(_formatted("lock_accounts", part))
        for table, statement in OF_ENDED.items():
            self._removed[table] += _row(session, statement, part)[0]

    def _drop_ended(self, session: Session) -> None:
        there = {part for part, _ in _partitions(session, ENDED, before=self._kept_from)}
        parts = [part for part in self._ended if part in there][:MOST_AT_ONCE]
        self._removed["executions"] += sum(_row(session, "count_rows", part)[0] for part in parts)
        self._drop(session, ENDED, parts)

    def _remove_by_time(self, session: Session) -> None:
        for table, statement in BY_TIME.items():
            self._removed[table] += session.execute(SQL[statement], kept_from=self._kept_from)

    def _drop_moves(self, session: Session) -> None:
        """Those partitions of which little is needed, which is carried over."""
        session.execute(SQL["note_kept"], kept_from=self._kept_from)
        session.execute(SQL["count_kept"])
        self._removed["moves"] += session.execute(SQL["remove_moves"])
        parts: list[str] = []
        for part, _ in _partitions(session, MOVES, before=self._kept_from):
            if len(parts) == MOST_AT_ONCE:
                break
            session.execute(_formatted("stop_writers", part))
            rows, kept = _row(session, "count_moves", part)
            if kept > rows * MOST_KEPT:
                continue  # to carry them over would be dear
            if kept:
                session.execute(_formatted("carry_moves", part))
            parts.append(part)
            self._removed["moves"] += rows - kept
        self._drop(session, MOVES, parts)

    def _remove_stamps(self, session: Session) -> None:
        days = [day for _, day in _partitions(session, MOVES)]
        before = min([self._kept_from, *(day.replace(day=1) for day in days)])
        self._removed["stamps"] += session.execute(SQL["remove_stamps"], before=before)

    def _mark_left(self, session: Session) -> None:
        """No run that still lets people enter the version before is as old as that."""
        session.execute(SQL["mark_left"], before=self._today - timedelta(days=LEAST_DAYS))

    def _drop_emptied(self, session: Session) -> None:
        found = [part for part, _ in _partitions(session, STANDING, before=self._today) if _is_empty(session, part)]
        self._drop(session, STANDING, found[:MOST_AT_ONCE], only_empty=True)

    def _drop(self, session: Session, table: Partitioned, parts: Sequence[str], *, only_empty: bool = False) -> None:
        """Drop them. Raises _BusyError where others hold the table for too long each time we try."""
        if not parts:
            return
        session.execute(SESSION["wait_briefly"], longest=LONGEST_WAIT)
        session.execute(SQL["before_locks"])
        trial = self._patience.begin()
        while True:
            try:
                self._dropped += _drop_now(session, table, parts, only_empty=only_empty)
            except StoreConflictError as error:
                session.execute(SQL["give_up_locks"])
                if not trial.outlasts_conflict():
                    raise _BusyError(len(parts)) from error
            else:
                return


def _drop_now(session: Session, table: Partitioned, parts: Sequence[str], *, only_empty: bool) -> int:
    session.execute(sql.SQL(SQL["lock_table"].decode()).format(table=sql.Identifier(table.table)))
    count = 0
    for part in parts:
        session.execute(_formatted("lock_part", part))
        if not only_empty or _is_empty(session, part):
            session.execute(_formatted("drop_part", part))
            count += 1
    return count


def _is_empty(session: Session, part: str) -> bool:
    return bool(_row(session, "is_empty", part)[0])


def _partitions(session: Session, table: Partitioned, *, before: date = date.max) -> list[tuple[str, date]]:
    """The partitions by date of a table for days before this one, oldest first."""
    rows = session.rows(PARTITIONS["partitions"], table=table.table)
    return [(str(part), day) for part, day in rows if day < before]


def vacuum(connection: Connection, today: date) -> None:
    """Make the room of what was removed, by retention or by runs, free again; not in a transaction."""
    emptied = [part for part, day in partitions_of(connection, STANDING) if day <= today]
    for table in (*VACUUMED, *emptied):
        with suppress(psycopg.errors.UndefinedTable):  # another retention has dropped it
            connection.execute(_formatted("vacuum", table))


def _row(session: Session, statement: str, part: str) -> tuple[int, ...]:
    """The one row of numbers that a statement over a partition gives."""
    return tuple(map(int, session.rows(_formatted(statement, part))[0]))


def _formatted(statement: str, part: str) -> sql.Composed:
    return sql.SQL(SQL[statement].decode()).format(part=sql.Identifier(part))
