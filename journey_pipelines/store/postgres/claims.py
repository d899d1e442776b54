"""Claims: the next due rows of a version, partition by partition, wherever the last claim ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from journey_pipelines.store.postgres.holding import Holding
from journey_pipelines.store.postgres.session import Session
from journey_pipelines.store.postgres.standing import Taken
from journey_pipelines.store.statements import statements

SQL = statements("movement")
# those who are due later than today but for an event or because their customer is gone, by number of entry
LATER: Final = ("rows_for_events", "missing_rows")
ACTING: Final = "standing_acting"  # the first part
FIRST_PLACE: Final = "(0,0)"
PLACE: Final = np.dtype([("block", ">u4"), ("offset", ">u2")])


@dataclass
class Cursor:
    """A part (a partition, or a statement of LATER) and the last row that was looked at there; written `part|row`."""

    part: str
    row: str

    @staticmethod
    def read(text: str) -> "Cursor":
        """The empty text is the beginning."""
        part, _, row = text.partition("|")
        return Cursor(part, row)

    def __str__(self) -> str:
        return f"{self.part}|{self.row}"


def claim(
    session: Session, holding: Holding, *, after: str, limit: int, results_only: bool, **values: Any
) -> tuple[list[Taken], str]:
    """At most `limit` rows, locked, and the cursor behind them."""
    cursor = Cursor.read(after)
    found: list[Taken] = []
    for part in _parts_from(session, cursor.part, results_only=results_only, as_of=values["as_of"]):
        cursor = Cursor(part, cursor.row if part == cursor.part else "")
        room = limit - sum(map(len, found))
        taken = _take(holding, cursor, limit=room, results_only=results_only, **values)
        if len(taken):
            found.append(taken)
            cursor.row = _last_row(part, taken)
        if len(taken) == room:
            break
    return found, str(cursor)


def _parts_from(session: Session, first: str, *, results_only: bool, as_of: Any) -> Iterator[str]:
    rows = session.rows(SQL["due_partitions"], results_only=results_only, as_of=as_of)
    parts = [str(name) for (name,) in rows] + ([] if results_only else list(LATER))
    ranks = {part: rank for rank, part in enumerate(parts)}
    if first and first not in ranks:
        # the partition has been emptied since
        parts = [part for part in parts if part in LATER or (part != ACTING and part > first)]
    yield from parts[ranks.get(first, 0) :]


def _take(holding: Holding, cursor: Cursor, *, results_only: bool, **values: Any) -> Taken:
    if cursor.part in LATER:
        return holding.select(cursor.part, "standing", after=int(cursor.row or 0), **values)
    after = cursor.row or FIRST_PLACE
    return holding.select("due_rows", cursor.part, after=after, results_only=results_only, **values)


def _last_row(part: str, taken: Taken) -> str:
    if part in LATER:
        return str(taken.entry_no[-1])
    last = np.frombuffer(np.ascontiguousarray(taken.places[-1:]).tobytes(), dtype=PLACE)[0]
    return f"({last['block']},{last['offset']})"
