"""Executions: entry, claims and the saving of a chunk."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd
from psycopg import sql
from pydantic_core import from_json

from journey_pipelines.engine.frames import BOOL, DISPATCHES, EXECUTIONS, INT, JSON, STARTS, TEXT, TIME, empty
from journey_pipelines.engine.ports import Changes, Claim
from journey_pipelines.engine.shards import ALL, Shards, shard_of
from journey_pipelines.errors import StoreError
from journey_pipelines.store.postgres import arrays, standing
from journey_pipelines.store.postgres.claims import claim, claim_one
from journey_pipelines.store.postgres.dispatches import outbox_rows
from journey_pipelines.store.postgres.holding import entry_numbers
from journey_pipelines.store.postgres.outbox import replace_dispatches
from journey_pipelines.store.postgres.part import Part
from journey_pipelines.store.postgres.paths import to_moves
from journey_pipelines.store.statements import statements
from journey_pipelines.store.values import check_ends, check_keys, textual

ENTRY = statements("entry")
SQL = statements("movement")
OUTBOX = statements("outbox")
SESSION = statements("session")

LONGEST_WAIT: Final = "3s"  # for the lock of one execution; `transact` tries again as after any other conflict
ENTRIES: Final = {"customer_id": TEXT, "entry_number": INT, "entered_at": TIME, "is_unfinished": BOOL}
SETTLEMENTS: Final = {"start_id": TEXT, "status": TEXT, "reason": TEXT}
CONTEXTS: Final = {"entry_no": INT, "context": JSON, "visits": JSON}
ENDINGS: Final = {"entry_no": INT, "outcome": TEXT, "failure": TEXT}
ENTERED: Final = ("execution_id", "journey_key", "customer_id", "entry_number", "entered_via", "entered_at", "ended_at")
ENTRANTS: Final = {name: EXECUTIONS[name] for name in ENTERED}
SHARDED: Final = {**ENTRANTS, "shard": INT}
LEAVERS: Final = {"journey_key": TEXT, "customer_id": TEXT}
NEW_ENTRIES: Final = {"execution_id": TEXT, "entry_no": INT}


class ExecutionsPart(Part):
    """Rows of executions in and out of their tables."""

    def frame_of(self, taken: standing.Taken) -> pd.DataFrame:
        """EXECUTIONS of rows that this transaction holds, in the order of entry."""
        if (np.diff(taken.entry_no) < 0).any():
            taken = taken.take(np.argsort(taken.entry_no, kind="stable"))
        frame = standing.to_frame(taken, self.catalogues)
        numbers, *carried = self.session.raw(SQL["contexts"], entry_nos=arrays.BigInts(taken.entry_no))
        if numbers is not None:
            rows = pd.Index(taken.entry_no).get_indexer(pd.Index(arrays.numbers(numbers, 8)))
            for name, values in zip(("context", "visits"), carried, strict=True):
                cells = frame[name].to_numpy(dtype=object, copy=True)
                cells[rows] = objects(values)
                frame[name] = pd.Series(cells, dtype=object)
        if frame["ended_at"].notna().any():
            self.session.stage_numbers(taken.entry_no)
            told = self.session.frame(SQL["endings"], ENDINGS).set_index("entry_no").reindex(taken.entry_no)
            frame = frame.assign(outcome=told["outcome"].array, failure=told["failure"].array)
        return frame

    def put(self, executions: pd.DataFrame, entry_nos: Any) -> None:
        """Write rows that are in no table now, and what they carry."""
        rows = standing.from_frame(executions, entry_nos, self.catalogues)
        if not rows.has_ended.all():
            self.session.put(SQL["put_standing"], rows.standing())
        if rows.has_ended.any():
            self.session.put(SQL["put_ended"], rows.ended())
        has_context, has_visits = (np.fromiter(map(bool, executions[name]), bool) for name in ("context", "visits"))
        has_any = has_context | has_visits
        if has_any.any():
            kept = executions.loc[has_any, ["context", "visits"]].assign(entry_no=entry_nos[has_any])
            self.session.stage("executions", kept, CONTEXTS)
            self.session.execute(SQL["add_contexts"])


def objects(text: bytes | None) -> Any:
    """The JSON objects of a list of them, as an object array."""
    values = from_json(text or b"[]")
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


class EntryPart(ExecutionsPart):
    """Who enters."""

    def entries(self, journey_key: str, customer_ids: pd.Index) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage_ids(customer_ids)
        return self.session.frame(ENTRY["entries"], ENTRIES, journey_key=journey_key)

    def add_executions(self, executions: pd.DataFrame) -> pd.Index:
        """See StoreTransaction."""
        executions = textual(executions, EXECUTIONS, table="executions")
        check_ends(executions)
        self.session.stage("entrants", executions.assign(shard=shard_of(executions["customer_id"])), SHARDED)
        self.session.execute(ENTRY["count_incoming"])
        added = self.session.returned(ENTRY["add_entries"], NEW_ENTRIES).sort_values("entry_no", ignore_index=True)
        if len(added):
            rows = executions.drop_duplicates("execution_id")
            positions = pd.Index(rows["execution_id"]).get_indexer(pd.Index(added["execution_id"]))
            self.put(rows.take(positions).reset_index(drop=True), added["entry_no"].to_numpy())
        return pd.Index(added["execution_id"], name="execution_id")

    def add_starts(self, starts: pd.DataFrame) -> int:
        """See StoreTransaction."""
        self.session.stage("starts", starts, STARTS)
        return self.session.execute(ENTRY["add_starts"])

    def waiting_starts(self, journey_key: str, as_of: datetime) -> pd.DataFrame:
        """See StoreTransaction."""
        return self.session.frame(ENTRY["waiting_starts"], STARTS, journey_key=journey_key, as_of=as_of)

    def settle_starts(self, starts: pd.DataFrame) -> None:
        """See StoreTransaction."""
        count = self.session.stage("settlements", starts, SETTLEMENTS)
        if self.session.execute(ENTRY["settle_starts"]) != count:
            raise StoreError("a start to be settled is not in the store, or comes twice; add it first, settle it once")


class MovementPart(ExecutionsPart):
    """Claims, missing customers and the saving of a chunk."""

    def mark_missing(self, journey_key: str, customer_ids: pd.Index, since: datetime) -> None:
        """See StoreTransaction."""
        self._set_missing(journey_key, customer_ids, since)

    def clear_missing(self, journey_key: str, customer_ids: pd.Index) -> None:
        """See StoreTransaction."""
        self._set_missing(journey_key, customer_ids, None)

    def _set_missing(self, journey_key: str, customer_ids: pd.Index, since: datetime | None) -> None:
        self.session.stage_ids(customer_ids)
        found = self.session.frame(SQL["unfinished_of"], {"execution_id": TEXT}, journey_key=journey_key)
        if not len(found):
            return
        ids = pd.Index(found["execution_id"])
        self.holding.lock(ids, waits=True)
        positions = self.holding.locate(ids)
        rows = self.holding.rows(positions)
        is_other = np.isnat(rows.missing_since) == (since is not None)
        is_unfinished = np.isnat(rows.ended_at)
        self.holding.write_missing(positions[is_other & is_unfinished], since or "infinity")

    def take_due(
        self,
        journey_key: str,
        version: int,
        *,
        as_of: datetime,
        missing_before: datetime,
        results_only: bool = False,
        shards: Shards = ALL,
        after: str = "",
        limit: int,
    ) -> Claim:
        """See StoreTransaction."""
        edition_no = self.catalogues.edition_nos([(journey_key, version)])[journey_key, version]
        taken, cursor = claim(
            self.session,
            self.holding,
            shards=shards,
            after=after,
            limit=limit,
            results_only=results_only,
            edition_no=edition_no,
            as_of=as_of,
            missing_before=missing_before,
        )
        return Claim(self.frame_of(standing.Taken.stack(taken)) if taken else empty(EXECUTIONS), cursor)

    def take_standing(
        self, journey_key: str, version: int, node_ids: Sequence[str], *, after: str = "", limit: int
    ) -> Claim:
        """See StoreTransaction."""
        numbers = self.catalogues.label_nos(node_ids)  # of these labels and all others that were ever asked for
        taken = self.holding.select(
            "rows_standing",
            "standing",
            edition_no=self.catalogues.edition_nos([(journey_key, version)])[journey_key, version],
            node_nos=[numbers[node_id] for node_id in node_ids],
            after=int(after or 0),
            limit=limit,
        )
        if not len(taken):
            return Claim(empty(EXECUTIONS), after)
        return Claim(self.frame_of(taken), str(taken.entry_no.max()))

    def take_one_due(self, execution_id: str, *, as_of: datetime, missing_before: datetime) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.execute(SESSION["wait_briefly"], longest=LONGEST_WAIT)
        locked = self.holding.lock_one(execution_id)
        self.session.execute(SESSION["wait_as_before"])
        if not len(locked) or not np.isnat(locked.ended_at[0]):
            return empty(EXECUTIONS)
        [relation] = locked.relations.tolist()
        part = self.catalogues.relation_names([relation])[relation]
        due = claim_one(self.holding, locked, part, as_of=as_of, missing_before=missing_before)
        return self.frame_of(due) if len(due) else empty(EXECUTIONS)

    def find_execution(self, execution_id: str) -> pd.DataFrame:
        """See StoreTransaction."""
        seen = self.holding.see(execution_id)
        return self.frame_of(seen) if len(seen) else empty(EXECUTIONS)

    def lock_executions(self, execution_ids: pd.Index, *, waits: bool = True) -> pd.DataFrame:
        """See StoreTransaction."""
        taken = self.holding.lock(pd.Index(execution_ids), waits=waits)
        return self.frame_of(taken) if len(taken) else empty(EXECUTIONS)

    def save(self, changes: Changes) -> None:
        """See StoreTransaction."""
        entry_nos = self._replace_executions(changes.executions) if len(changes.executions) else None
        known = pd.Index(changes.executions["execution_id"])
        if len(changes.transitions):
            moves = to_moves(changes.transitions, self.catalogues)
            numbers = self._numbers_of(changes.transitions["execution_id"].take(moves.first), known, entry_nos)
            rows = arrays.copy_bytes([numbers, moves.stamp_no, moves.path_no, moves.day])
            self.session.put(SQL["put_moves"], rows)
        if len(changes.dispatches):
            self._add_dispatches(changes.dispatches, known, entry_nos)
        if len(changes.dispatch_updates):
            replace_dispatches(self.session, changes.dispatch_updates)
        if len(changes.used_event_ids):
            self.session.stage_ids(changes.used_event_ids)
            self.session.execute(SQL["use_events"])

    def _replace_executions(self, executions: pd.DataFrame) -> Any:
        """Take the rows out and put the new ones in; returns the number of each."""
        executions = textual(executions, EXECUTIONS, table="executions")
        check_ends(executions)
        positions = self.holding.require(pd.Index(executions["execution_id"]))
        before = self.holding.rows(positions)
        self.holding.take_out(positions)
        self.put(executions, before.entry_no)
        is_leaving = np.isnat(before.ended_at) & executions["ended_at"].notna().to_numpy()
        if is_leaving.any():
            self.session.stage("leavers", executions.loc[is_leaving, list(LEAVERS)], LEAVERS)
            self.session.execute(ENTRY["let_go"])
        return before.entry_no

    def _add_dispatches(self, dispatches: pd.DataFrame, known: pd.Index, entry_nos: Any) -> None:
        shaped = textual(dispatches, DISPATCHES, table="dispatches")
        check_keys(shaped)
        names, rows = outbox_rows(shaped, self._numbers_of(shaped["execution_id"], known, entry_nos))
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        self.session.put(sql.SQL(OUTBOX["add_dispatches"].decode()).format(columns=columns), rows)

    def _numbers_of(self, execution_ids: pd.Series, known: pd.Index, entry_nos: Any) -> Any:
        """The number of each execution, from those known where all are among them."""
        ids = pd.Index(execution_ids)
        if ids.equals(known):
            return entry_nos
        positions = known.get_indexer(ids)
        return entry_numbers(self.session, ids) if (positions < 0).any() else entry_nos[positions]
