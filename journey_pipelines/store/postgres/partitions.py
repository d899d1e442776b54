"""Partitions by date: made when somebody needs one, each known to a store once it has been seen.

A date has a partition of its own, or shares its month's where there are many already. For `standing` a month is named
by its first day (a run must look there in time), for history by its last (nothing goes before its own date is over).
"""

import calendar
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from journey_pipelines.store.postgres.address import Address
from journey_pipelines.store.postgres.arrays import Times
from journey_pipelines.store.postgres.connections import Connections
from journey_pipelines.store.postgres.failures import store_error
from journey_pipelines.store.statements import statements

SQL = statements("partitions")
FIRST_DAY: Final = np.datetime64("2000-01-01", "D")  # from which Postgres counts dates


def _first_of_month(day: date) -> date:
    return day.replace(day=1)


def _last_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


@dataclass(frozen=True)
class Partitioned:
    """A table in partitions by date: how many days have one of their own, and which date stands for a month."""

    table: str
    most_days: int
    month_of: Callable[[date], date]

    def partition(self, bucket: date) -> str:
        """The table of one of its partitions."""
        return f"{self.table}_{bucket:%Y%m%d}"


STANDING: Final = Partitioned("standing", 400, _first_of_month)
# fewer, since looking for one execution that has ended asks each
ENDED: Final = Partitioned("ended", 100, _last_of_month)
MOVES: Final = Partitioned("moves", 100, _last_of_month)


class Partitions:
    """The partitions of one store. Safe for threads."""

    def __init__(self, connections: Connections, address: Address) -> None:
        self._connections = connections
        self._address = address
        self._lock = threading.Lock()
        self._known: dict[str, set[date]] = {}

    def numbers(self, partitioned: Partitioned, instants: Times) -> npt.NDArray[np.int32]:
        """The partition's date for each instant (none is NaT), as Postgres counts dates."""
        distinct, which = np.unique(instants.astype("datetime64[D]"), return_inverse=True)
        buckets = self.buckets(partitioned, distinct.tolist())
        numbers = [(np.datetime64(buckets[day], "D") - FIRST_DAY).astype(np.int32) for day in distinct.tolist()]
        return np.array(numbers, dtype=np.int32)[which]

    def buckets(self, partitioned: Partitioned, dates: Iterable[date]) -> Mapping[date, date]:
        """The date of the partition for rows of each date."""
        found: dict[date, date] = {}
        for day in sorted(dates):
            with self._lock:
                known = self._known_of(partitioned)
                is_day = day in known or len(known) < partitioned.most_days
                bucket = day if is_day else partitioned.month_of(day)
                if bucket not in known:
                    self._make(partitioned, bucket)
            found[day] = bucket
        return found

    def forget(self) -> None:
        """Look anew for what is there: retention may have dropped a partition that was seen here."""
        with self._lock:
            self._known.clear()

    def _known_of(self, partitioned: Partitioned) -> set[date]:
        """Those that are there, looked for where nothing is known yet: how many they are decides on the next one."""
        if partitioned.table not in self._known:
            with self._connections.borrow() as connection:
                try:
                    self._known[partitioned.table] = {day for _, day in partitions_of(connection, partitioned)}
                except psycopg.Error as error:
                    raise store_error(error, self._address) from error
        return self._known[partitioned.table]

    def _make(self, partitioned: Partitioned, bucket: date) -> None:
        """One that is not there yet; nobody who reads or writes the table waits for it."""
        with self._connections.borrow() as connection:
            try:
                with connection.transaction():
                    connection.execute(SQL["lock_partitions"])
                    self._known[partitioned.table] = {day for _, day in partitions_of(connection, partitioned)}
                    if bucket not in self._known[partitioned.table]:
                        parts: dict[str, Any] = {
                            "table": sql.Identifier(partitioned.table),
                            "name": sql.Identifier(partitioned.partition(bucket)),
                            "bucket": sql.Literal(bucket.isoformat()),
                        }
                        connection.execute(sql.SQL(SQL["make_partition"].decode()).format(**parts))
                        connection.execute(sql.SQL(SQL["attach_partition"].decode()).format(**parts))
            except psycopg.Error as error:
                raise store_error(error, self._address) from error
        self._known[partitioned.table].add(bucket)


def partitions_of(connection: "psycopg.Connection[Any]", partitioned: Partitioned) -> list[tuple[str, date]]:
    """The partitions by date of a table: name and date, oldest first."""
    rows = connection.execute(SQL["partitions"], {"table": partitioned.table}).fetchall()
    return [(str(name), day) for name, day in rows]
