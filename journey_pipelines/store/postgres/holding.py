"""Which rows of executions a transaction holds, and where they lie: what is saved is taken out there and put back anew.

A row that somebody moved while we waited for its lock is gone from where we looked and lies elsewhere; looking again
finds it, since each statement sees what was committed before it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from psycopg import sql

from journey_pipelines.engine.frames import INT, TEXT
from journey_pipelines.errors import StoreConflictError, StoreError
from journey_pipelines.store.postgres import arrays
from journey_pipelines.store.postgres.catalogues import Catalogues
from journey_pipelines.store.postgres.session import Session
from journey_pipelines.store.postgres.standing import Taken, text_column
from journey_pipelines.store.statements import statements

SQL = statements("movement")
RETENTION = statements("retention")
# most executions that are asked for by name are at an action; the other partitions are many
TABLES: Final = ("standing_acting", "standing", "ended")
MOST_LOOKS: Final = 100
PARENTS: Final = ("standing", "ended")  # whose rows lie in partitions
EACH_RELATION: Final = sql.SQL("array_agg(relation::bigint)")
ONE_RELATION: Final = sql.SQL("ARRAY[min(relation::bigint)]")
ENDS: Final = sql.SQL("array_agg(ended_at)")
NO_ENDS: Final = sql.SQL("NULL")

Numbers = npt.NDArray[Any]


class Holding:
    """Locked rows of one transaction, by execution id."""

    def __init__(self, session: Session, catalogues: Catalogues) -> None:
        self._session = session
        self._catalogues = catalogues
        self._parts: list[Taken] = []
        self._taken: Taken | None = None
        self._index = pd.Index([], dtype="str")

    def select(self, statement: str, table: str, **values: Any) -> Taken:
        """Lock what one of the statements that lock rows finds."""
        taken = self._read(statement, table, **values)
        if len(taken):
            self._parts.append(taken)
            self._taken = None
        return taken

    def _read(self, statement: str, table: str, **values: Any) -> Taken:
        rows = _formatted(SQL[statement], table=sql.Identifier(table))
        relations = EACH_RELATION if table in PARENTS else ONE_RELATION
        ends = ENDS if table == "ended" else NO_ENDS
        query = _formatted(SQL["as_arrays"], rows=rows, relations=relations, ends=ends)
        return Taken.read(self._session.raw(query, **values))

    def lock(self, execution_ids: pd.Index, *, waits: bool) -> Taken:
        """Lock these executions wherever they lie; those that are not in the store are left out."""
        statement = "lock_rows" if waits else "try_rows"
        wanted = numbers_of(self._session, pd.Index(execution_ids))
        found: list[Taken] = []
        for look in range(MOST_LOOKS if waits else 1):
            for table in TABLES:
                if len(wanted):
                    numbers = arrays.BigInts(wanted["entry_no"].to_numpy())
                    found.append(self.select(statement, table, entry_nos=numbers))
                    wanted = wanted[~wanted["entry_no"].isin(found[-1].entry_no)]
            if not len(wanted) or not waits or (look and not self._still_exist(pd.Index(wanted["execution_id"]))):
                return Taken.stack(found) if found else Taken.none()
        moved = wanted["execution_id"].iloc[0]
        raise StoreConflictError(f"execution {moved} was moved by others each time we looked; run again")

    def lock_one(self, execution_id: str) -> Taken:
        """Lock this execution wherever it lies, by its number: it costs the same whatever else is in the store."""
        return self._look_for(execution_id, partial(self.select, "lock_row"))

    def see(self, execution_id: str) -> Taken:
        """The same without locking it."""
        return self._look_for(execution_id, partial(self._read, "see_row"))

    def _look_for(self, execution_id: str, look: Callable[..., Taken]) -> Taken:
        numbers = self._session.rows(SQL["entry_no"], execution_id=execution_id)
        for number in range(MOST_LOOKS if numbers else 0):
            for table in TABLES:
                taken = look(table, entry_no=numbers[0][0])
                if len(taken):
                    return taken
            if number and not self._still_exist(pd.Index([execution_id])):
                return Taken.none()
        if numbers:
            raise StoreConflictError(f"execution {execution_id} was moved by others each time we looked; run again")
        return Taken.none()

    def _still_exist(self, execution_ids: pd.Index) -> bool:
        """Whether one of them is in the store, and not in the ledger alone since retention removed it."""
        self._session.stage_ids(execution_ids)
        return bool(len(self._session.frame(RETENTION["still_there"], {"entry_no": INT})))

    def locate(self, execution_ids: pd.Index) -> Numbers:
        """The position of each execution among the rows held; -1 where it is not held."""
        if self._taken is None and self._parts:
            self._taken = Taken.stack(self._parts)
            self._index = _ids(self._taken)
            # one statement finds no row twice
            if len(self._parts) > 1 and not self._index.is_unique:
                self._forget_older()
        if self._index.equals(execution_ids):
            return np.arange(len(self._index))
        return np.asarray(self._index.get_indexer(pd.Index(execution_ids)))

    def _forget_older(self) -> None:
        """Of rows that were locked twice the later look counts."""
        self._keep(np.flatnonzero(~self._index.duplicated(keep="last")))

    def require(self, execution_ids: pd.Index) -> Numbers:
        """Positions of these executions, locked now where they were not. Raises StoreError for one that is unknown."""
        positions = self.locate(execution_ids)
        if len(positions) == len(self._index) and (positions == np.arange(len(positions))).all():
            return positions  # whoever was claimed, in the order of the claim
        if pd.Index(execution_ids).has_duplicates:
            twice = execution_ids[execution_ids.duplicated()][0]
            raise StoreError(f"execution {twice} comes twice in one change; save each once")
        if (positions < 0).any():
            self.lock(execution_ids[positions < 0], waits=True)
            positions = self.locate(execution_ids)
        if (positions < 0).any():
            raise StoreError(f"execution {execution_ids[positions < 0][0]} is not in the store; let it enter first")
        return positions

    def rows(self, positions: Numbers) -> Taken:
        """The rows at these positions."""
        assert self._taken is not None
        is_all = len(positions) == len(self._taken) and (positions == np.arange(len(positions))).all()
        return self._taken if is_all else self._taken.take(positions)

    def take_out(self, positions: Numbers) -> None:
        """Delete these rows where they lie; they are held no longer."""
        self._at_their_places("take_out", positions)

    def write_missing(self, positions: Numbers, since: Any) -> None:
        """Set `missing_since` of these rows; they are held no longer, since they lie elsewhere now."""
        self._at_their_places("set_missing", positions, since=since)

    def _at_their_places(self, statement: str, positions: Numbers, **values: Any) -> None:
        if not len(positions):
            return
        taken = self.rows(positions)
        names = self._catalogues.relation_names(np.unique(taken.relations).tolist())
        for relation in np.unique(taken.relations).tolist():
            places = taken.places[taken.relations == relation]
            query = _formatted(SQL[statement], table=sql.Identifier(names[relation]))
            count = self._session.execute(query, places=arrays.Tids(places), **values)
            if count != len(places):
                # they are locked, so that nobody but somebody at the database itself can have moved them
                raise StoreConflictError(f"{count} of {len(places)} rows of {names[relation]} are left; run again")
        self._keep(np.delete(np.arange(len(self._index)), positions))

    def _keep(self, rows: Numbers) -> None:
        assert self._taken is not None
        self._taken, self._index = self._taken.take(rows), self._index[rows]
        self._parts = [self._taken]


def numbers_of(session: Session, execution_ids: pd.Index) -> pd.DataFrame:
    """Columns execution_id and entry_no of those executions that have entered."""
    session.stage_ids(execution_ids.unique())
    return session.frame(SQL["entry_nos"], {"execution_id": TEXT, "entry_no": INT})


def entry_numbers(session: Session, execution_ids: pd.Index) -> Numbers:
    """The number of each execution. Raises StoreError for one that is not in the store."""
    found = numbers_of(session, execution_ids)
    positions = pd.Index(found["execution_id"]).get_indexer(execution_ids)
    if (positions < 0).any():
        raise StoreError(f"execution {execution_ids[positions < 0][0]} is not in the store; let it enter first")
    return np.asarray(found["entry_no"].to_numpy()[positions])


def _ids(taken: Taken) -> pd.Index:
    return pd.Index(text_column(taken.execution_id))


def _formatted(statement: bytes, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(statement.decode()).format(**parts)
