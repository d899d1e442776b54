"""Claims: the next due rows of a version, partition by partition, wherever the last claim ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from journey_pipelines.engine.shards import Shards
from journey_pipelines.store.postgres.holding import Holding
from journey_pipelines.store.postgres.session import Session
from journey_pipelines.store.postgres.standing import Taken
from journey_pipelines.store.statements import statements

SQL = statements("movement")
# those who are due later than today but for an event or because their customer is gone, by number of entry
LATER: Final = ("rows_for_events", "missing_rows")
ACTING: Final = "standing_acting"  # the first part


@dataclass
class Cursor:
    """A part (a partition, or a statement of LATER) and the last entry that was claimed there; written `part|entry`."""

    part: str
    entry: str

    @staticmethod
    def read(text: str) -> "Cursor":
        """The empty text is the beginning."""
        part, _, entry = text.partition("|")
        return Cursor(part, entry)

    def __str__(self) -> str:
        return f"{self.part}|{self.entry}"


def claim(
    session: Session,
    holding: Holding,
    *,
    shards: Shards,
    after: str,
    limit: int,
    results_only: bool,
    **values: Any,
) -> tuple[list[Taken], str]:
    """At most `limit` rows, locked, and the cursor behind them."""
    cursor = Cursor.read(after)
    found: list[Taken] = []
    for part in _parts_from(session, cursor.part, results_only=results_only, as_of=values["as_of"]):
        cursor = Cursor(part, cursor.entry if part == cursor.part else "")
        room = limit - sum(map(len, found))
        taken = _take(holding, cursor, shards, limit=room, results_only=results_only, **values)
        if len(taken):
            found.append(taken)
            cursor.entry = str(taken.entry_no[-1])
        if len(taken) == room:
            break
    return found, str(cursor)


def claim_one(holding: Holding, locked: Taken, part: str, **values: Any) -> Taken:
    """The one row that is locked already, in the partition where it lies, if it is due; no row otherwise."""
    [number], [edition_no] = locked.entry_no.tolist(), locked.edition_no.tolist()
    only = {"after": number - 1, "before": number + 1, "limit": 1}
    return holding.select("due_rows", part, results_only=False, edition_no=edition_no, **only, **values)


def _parts_from(session: Session, first: str, *, results_only: bool, as_of: Any) -> Iterator[str]:
    rows = session.rows(SQL["due_partitions"], results_only=results_only, as_of=as_of)
    parts = [str(name) for (name,) in rows] + ([] if results_only else list(LATER))
    ranks = {part: rank for rank, part in enumerate(parts)}
    if first and first not in ranks:
        # the partition has been emptied since
        parts = [part for part in parts if part in LATER or (part != ACTING and (first == ACTING or part > first))]
    yield from parts[ranks.get(first, 0) :]


def _take(holding: Holding, cursor: Cursor, shards: Shards, *, results_only: bool, **values: Any) -> Taken:
    first, end = shards.numbers
    bounds = {"after": max(int(cursor.entry or 0), first), "before": end}
    if cursor.part in LATER:
        return holding.select(cursor.part, "standing", **bounds, **values)
    return holding.select("due_rows", cursor.part, results_only=results_only, **bounds, **values)
