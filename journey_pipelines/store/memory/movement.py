"""Executions: entry, claims and the saving of a chunk."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, STARTS, TRANSITIONS
from journey_pipelines.engine.ports import Changes, Claim
from journey_pipelines.engine.shards import ALL, Shards, numbers_of
from journey_pipelines.engine.states import SETTLED
from journey_pipelines.errors import StoreError
from journey_pipelines.store.memory.state import Part, is_unfinished
from journey_pipelines.store.values import check_keys, detached, storable, storable_executions


class EntryPart(Part):
    """Who enters."""

    def entries(self, journey_key: str, customer_ids: pd.Index) -> pd.DataFrame:
        """See StoreTransaction."""
        executions = self.state.tables["executions"].frame
        is_asked = (executions["journey_key"] == journey_key) & executions["customer_id"].isin(customer_ids)
        asked = executions.loc[is_asked, ["customer_id", "entry_number", "entered_at"]]
        asked = asked.assign(is_unfinished=is_unfinished(executions)[is_asked])
        if len(self.state.ledger):
            asked = pd.concat([asked, self._removed(journey_key, customer_ids)], ignore_index=True)
        has_unfinished = asked.groupby("customer_id")["is_unfinished"].any()
        last = asked.sort_values("entry_number").drop_duplicates("customer_id", keep="last").sort_values("customer_id")
        last = last.assign(is_unfinished=has_unfinished.reindex(last["customer_id"]).to_numpy(dtype=bool))
        return last.reset_index(drop=True)

    def _removed(self, journey_key: str, customer_ids: pd.Index) -> pd.DataFrame:
        ledger = self.state.ledger
        is_asked = (ledger["journey_key"] == journey_key) & ledger["customer_id"].isin(customer_ids)
        return ledger.loc[is_asked, ["customer_id", "entry_number", "entered_at"]].assign(is_unfinished=False)

    def add_executions(self, executions: pd.DataFrame) -> pd.Index:
        """See StoreTransaction."""
        rows = storable_executions(executions)
        table = self.state.tables["executions"]
        pair = ["journey_key", "customer_id"]
        stored = table.frame.loc[is_unfinished(table.frame), pair]
        is_new = (table.locate(rows["execution_id"]) < 0) & ~rows["execution_id"].duplicated().to_numpy()
        is_new &= ~rows["execution_id"].isin(self.state.ledger["execution_id"]).to_numpy()
        rows = rows[is_new]
        is_open = is_unfinished(rows).to_numpy()
        unfinished = pd.concat([stored, rows.loc[is_open, pair]], ignore_index=True)
        is_second = np.zeros(len(rows), dtype=bool)
        is_second[is_open] = unfinished.duplicated().to_numpy()[len(stored) :]
        new = rows[~is_second]
        self.state.tables["executions"] = table.append(new)
        return pd.Index(new["execution_id"], name="execution_id")

    def add_starts(self, starts: pd.DataFrame) -> int:
        """See StoreTransaction."""
        rows = storable(starts, STARTS, table="starts")
        self.state.tables["starts"], new = self.state.tables["starts"].append_new(rows)
        return len(new)

    def waiting_starts(self, journey_key: str, as_of: datetime) -> pd.DataFrame:
        """See StoreTransaction."""
        starts = self.state.tables["starts"].frame
        is_waiting = (starts["journey_key"] == journey_key) & (starts["status"] == "waiting")
        is_waiting &= starts["at"] <= pd.Timestamp(as_of)
        return detached(starts[is_waiting].sort_values(["at", "start_id"]), STARTS)

    def settle_starts(self, starts: pd.DataFrame) -> None:
        """See StoreTransaction."""
        table = self.state.tables["starts"]
        settled = starts[["start_id", "status", "reason"]].astype("str").reset_index(drop=True)
        if (table.locate(settled["start_id"]) < 0).any():
            raise StoreError("a start to be settled is not in the store; add it first")
        rows = table.rows_of(settled["start_id"]).reset_index(drop=True)
        self.state.tables["starts"] = table.replace_rows(
            rows.assign(status=settled["status"], reason=settled["reason"])
        )


class MovementPart(Part):
    """Claims, missing customers and the saving of a chunk."""

    def mark_missing(self, journey_key: str, customer_ids: pd.Index, since: datetime) -> None:
        """See StoreTransaction."""
        table = self.state.tables["executions"]
        is_new = self._unfinished_of(journey_key, customer_ids) & table.frame["missing_since"].isna()
        if is_new.any():
            self.state.tables["executions"] = table.write(is_new, missing_since=pd.Timestamp(since).as_unit("us"))

    def clear_missing(self, journey_key: str, customer_ids: pd.Index) -> None:
        """See StoreTransaction."""
        table = self.state.tables["executions"]
        is_back = self._unfinished_of(journey_key, customer_ids) & table.frame["missing_since"].notna()
        if is_back.any():
            self.state.tables["executions"] = table.write(is_back, missing_since=pd.NaT)

    def _unfinished_of(self, journey_key: str, customer_ids: pd.Index) -> pd.Series:
        executions = self.state.tables["executions"].frame
        is_of_journey = (executions["journey_key"] == journey_key) & is_unfinished(executions)
        return is_of_journey & executions["customer_id"].isin(customer_ids)

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
        frame = self.state.tables["executions"].frame
        is_asked = (frame["journey_key"] == journey_key) & (frame["journey_version"] == version)
        asked = _by_shard(frame[is_asked & is_unfinished(frame)], shards, after)
        has_result = asked["action_status"].isin(SETTLED)
        is_due = has_result if results_only else has_result | self._is_due(asked, as_of, missing_before)
        due = asked[is_due].head(limit)
        return Claim(detached(due, EXECUTIONS), str(due.index[-1]) if len(due) else after)

    def take_standing(
        self, journey_key: str, version: int, node_ids: Sequence[str], *, after: str = "", limit: int
    ) -> Claim:
        """See StoreTransaction."""
        frame = self.state.tables["executions"].frame
        is_asked = (frame["journey_key"] == journey_key) & (frame["journey_version"] == version)
        is_asked &= is_unfinished(frame) & frame["current_node_id"].isin(list(node_ids))
        asked = _by_shard(frame[is_asked], ALL, after).head(limit)
        return Claim(detached(asked, EXECUTIONS), str(asked.index[-1]) if len(asked) else after)

    def take_one_due(self, execution_id: str, *, as_of: datetime, missing_before: datetime) -> pd.DataFrame:
        """See StoreTransaction. No two transactions are open at once, so that nobody holds it."""
        asked = self.state.tables["executions"].rows_of(pd.Index([execution_id]))
        asked = asked[is_unfinished(asked)]
        is_due = asked["action_status"].isin(SETTLED) | self._is_due(asked, as_of, missing_before)
        return detached(asked[is_due], EXECUTIONS)

    def _is_due(self, executions: pd.DataFrame, as_of: datetime, missing_before: datetime) -> pd.Series:
        """Mask of those who are due for another reason than a known result."""
        is_overdue = executions["due_at"] <= pd.Timestamp(as_of)
        is_gone = executions["missing_since"] <= pd.Timestamp(missing_before)
        return is_overdue | is_gone | self._has_event(executions, as_of)

    def _has_event(self, executions: pd.DataFrame, as_of: datetime) -> pd.Series:
        waits = executions.loc[executions["waiting_for"].notna(), ["customer_id", "waiting_for", "events_since"]]
        events = self.state.tables["events"].frame
        now = pd.Timestamp(as_of)
        is_known = (events["occurred_at"] <= now) & (events["received_at"] <= now)
        last = events[is_known].groupby(["customer_id", "event_type"])["occurred_at"].max().rename("last_at")
        seen = waits.join(last, on=["customer_id", "waiting_for"])
        return (seen["events_since"] < seen["last_at"]).reindex(executions.index, fill_value=False)

    def lock_executions(self, execution_ids: pd.Index, *, waits: bool = True) -> pd.DataFrame:  # noqa: ARG002
        """See StoreTransaction. No two transactions are open at once, so that nobody holds a row."""
        return detached(self.state.tables["executions"].rows_of(execution_ids), EXECUTIONS)

    def save(self, changes: Changes) -> None:
        """See StoreTransaction."""
        tables = self.state.tables
        executions = storable_executions(changes.executions)
        tables["executions"] = tables["executions"].replace_rows(self._with_what_they_carry(executions))
        if len(changes.transitions):
            self.state.transitions += [storable(changes.transitions, TRANSITIONS, table="transitions")]
        if len(changes.dispatches):
            self._add_dispatches(storable(changes.dispatches, DISPATCHES, table="dispatches"))
        if len(changes.dispatch_updates):
            updates = storable(changes.dispatch_updates, DISPATCHES, table="dispatches")
            tables["dispatches"] = tables["dispatches"].replace_rows(updates)
        self._use_events(changes.used_event_ids)

    def _add_dispatches(self, dispatches: pd.DataFrame) -> None:
        tables = self.state.tables
        check_keys(dispatches)
        is_known = tables["executions"].locate(dispatches["execution_id"]) >= 0
        if not is_known.all():
            unknown = dispatches["execution_id"][~is_known].iloc[0]
            raise StoreError(f"execution {unknown} is not in the store; let it enter first")
        tables["dispatches"], new = tables["dispatches"].append_new(dispatches)
        if len(new) < len(dispatches):
            taken = dispatches.loc[~dispatches.index.isin(new.index), "key"].iloc[0]
            raise StoreError(f"dispatch {taken} is in the store already; a visit requests its action once")

    def _with_what_they_carry(self, executions: pd.DataFrame) -> pd.DataFrame:
        """The rows with keys of their contexts that are not named, and with visits where there are none."""
        table = self.state.tables["executions"]
        positions = table.locate(executions["execution_id"])
        if not len(executions) or (positions < 0).any():
            return executions
        before = table.frame.take(positions)
        contexts = [{**old, **new} for old, new in zip(before["context"], executions["context"], strict=True)]
        visits = [new or old for old, new in zip(before["visits"], executions["visits"], strict=True)]
        return executions.assign(
            context=pd.Series(contexts, dtype=object, index=executions.index),
            visits=pd.Series(visits, dtype=object, index=executions.index),
        )

    def _use_events(self, event_ids: pd.Index) -> None:
        if not len(event_ids):
            return
        events = self.state.tables["events"]
        is_used = events.frame["event_id"].isin(event_ids)
        if is_used.any():
            self.state.tables["events"] = events.write(is_used, is_used=True)

    def executions_of(self, customer_id: str) -> pd.DataFrame:
        """See StoreTransaction."""
        return self._executions_where("customer_id", customer_id)

    def find_execution(self, execution_id: str) -> pd.DataFrame:
        """See StoreTransaction."""
        return self._executions_where("execution_id", execution_id)

    def _executions_where(self, column: str, value: Any) -> pd.DataFrame:
        executions = self.state.tables["executions"].frame
        return detached(executions[executions[column] == value], EXECUTIONS)

    def status_counts(self) -> pd.DataFrame:
        """See StoreTransaction."""
        return self._counts("executions", ["journey_key", "journey_version", "state", "current_node_id"])

    def dispatch_counts(self) -> pd.DataFrame:
        """See StoreTransaction."""
        return self._counts("dispatches", ["journey_key", "action_type", "status"])

    def _counts(self, table: str, by: Sequence[str]) -> pd.DataFrame:
        counts = self.state.tables[table].frame.groupby(list(by), dropna=False).size().rename("count")
        return counts.reset_index().astype({"count": "int64"})


def _by_shard(executions: pd.DataFrame, shards: Shards, after: str) -> pd.DataFrame:
    """Those of customers of these shards behind the cursor; the index numbers them by shard and order of entry."""
    numbered = executions.set_axis(numbers_of(executions["customer_id"], executions.index + 1))
    first, end = shards.numbers
    is_asked = (numbered.index > max(int(after or 0), first)) & (numbered.index < end)
    return numbered[is_asked].sort_index()
