"""What rules, waits and templates can read of a group of executions, as columns behind dotted names."""

from collections.abc import Collection
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from journey_pipelines.engine import calendar
from journey_pipelines.engine.facts import Facts, Snapshot
from journey_pipelines.engine.frame_snapshot import FrameSnapshot, take_cells
from journey_pipelines.engine.frames import TEXT
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.rules import Rule

_RESERVED = frozenset({"customer_id", "journey_id", "customer", "account", "event"})


class World:
    """The facts of one run, looked up by customer."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.features = facts.features or _nothing(facts.as_of)
        self.profiles = facts.profiles or _nothing(facts.as_of)

    def segment(self, name: str) -> Snapshot:
        """A segment; nobody is in one that is not known (the guards held it and somebody approved)."""
        return self.facts.segments.get(name) or _nothing(self.facts.as_of)

    def zones(self, customer_ids: Any, default: str) -> pd.Series:
        """Each customer's time zone as the profile says, `default` where it says nothing that is one; a RangeIndex."""
        if "timezone" not in self.profiles.columns:
            return pd.Series(default, index=pd.RangeIndex(len(customer_ids)), dtype=TEXT)
        named = pd.Series(self.profiles.take("timezone", self.profiles.positions(customer_ids)), dtype=object)
        return calendar.usable_zones(named.where(named.notna(), default), default)


def _nothing(as_of: datetime) -> Snapshot:
    return FrameSnapshot("", as_of.date(), pd.DataFrame({"customer_id": pd.Series([], dtype=TEXT)}))


class ContextColumns:
    """The variables of executions: features, profile, account, start data, event, earlier results.

    `contexts` is None before entry. All columns have one row for each customer given, in the order given.
    """

    def __init__(
        self,
        *,
        journey_key: str,
        customer_ids: pd.Series,
        contexts: Any,
        declared: Collection[str],
        world: World,
        transaction: StoreTransaction,
    ) -> None:
        self._journey_key = journey_key
        self._customers = customer_ids.reset_index(drop=True)
        self._contexts = contexts
        self._declared = frozenset(declared)
        self._world = world
        self._transaction = transaction
        self._accounts: pd.DataFrame | None = None

    @cached_property
    def feature_rows(self) -> np.ndarray:
        """Where each customer is in the feature snapshot, -1 where it has no row."""
        return self._world.features.positions(self._customers)

    @cached_property
    def _profile_rows(self) -> np.ndarray:
        return self._world.profiles.positions(self._customers)

    def frame(self, rule: Rule, rows: np.ndarray | None = None) -> pd.DataFrame:
        """The columns that a rule reads, for these rows (all where None); index is a RangeIndex."""
        names = self._everything() if rule.reads_everything else set()
        names |= {self._top_name(path) for path in rule.paths} | set(rule.columns & _RESERVED - {"customer", "account"})
        size = len(self._customers) if rows is None else len(rows)
        columns = {name: self.cells(name, rows) for name in sorted(names)}
        return pd.DataFrame(columns, index=pd.RangeIndex(size))

    def column(self, path: str, rows: np.ndarray | None = None) -> pd.Series:
        """Object Series of the values behind a dotted name; None where null or absent."""
        name = self._top_name(path)
        cells = pd.Series(self.cells(name, rows)).reset_index(drop=True)
        values = cells.astype(object).where(cells.notna(), None)
        rest = [part for part in path[len(name) :].split(".") if part]
        for part in rest:
            values = pd.Series([v.get(part) if isinstance(v, dict) else None for v in values], dtype=object)
        return values

    def cells(self, name: str, rows: np.ndarray | None) -> Any:
        """The cells of one top-level column or of `customer.x`, `account.x`, for these rows."""
        head, _, rest = name.partition(".")
        if name == "customer_id":
            return self._customers.array if rows is None else self._customers.array.take(rows)
        if name == "journey_id":
            return np.full(len(self._customers) if rows is None else len(rows), self._journey_key, dtype=object)
        if head == "customer":
            return _record(self._world.profiles, self._pick(self._profile_rows, rows), rest)
        if head == "account":
            return _record(self._account_rows(), np.arange(len(self._customers)) if rows is None else rows, rest)
        if head == "event" or head.startswith("action_result_") or head in self._declared:
            return self._from_context(head, rows)
        if name in self._world.features.columns:
            return self._world.features.take(name, self._pick(self.feature_rows, rows))
        return np.full(len(self._customers) if rows is None else len(rows), None, dtype=object)

    def _pick(self, positions: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
        return positions if rows is None else positions[rows]

    def _from_context(self, key: str, rows: np.ndarray | None) -> np.ndarray:
        found = np.full(len(self._customers) if rows is None else len(rows), None, dtype=object)
        if self._contexts is not None:
            contexts = self._contexts if rows is None else self._contexts[rows]
            found[:] = [context.get(key) for context in contexts]
        return found

    def _account_rows(self) -> pd.DataFrame:
        """One row for each customer of the group, in the same order; balance 0 where there is no account yet."""
        if self._accounts is None:
            unique = pd.Index(self._customers.unique())
            found = self._transaction.balances(unique).drop_duplicates("customer_id").set_index("customer_id")
            rows = found.reindex(self._customers).reset_index()
            rows["points_balance"] = rows["points_balance"].fillna(0).astype("int64")
            rows["program_id"] = rows["program_id"].astype("Int64")
            self._accounts = rows
        return self._accounts

    def _top_name(self, path: str) -> str:
        """The column that a dotted name is found in: `customer.x` and `account.x` whole, a feature, else its head."""
        head, _, rest = path.partition(".")
        if head in ("customer", "account") and rest:
            return f"{head}.{rest.split('.', maxsplit=1)[0]}"
        return path if path in self._world.features.columns else head

    def _everything(self) -> set[str]:
        keys: set[str] = set().union(*self._contexts) if self._contexts is not None and len(self._contexts) else set()
        features = set(self._world.features.columns) - {"customer_id"}
        return features | keys | {"customer_id", "journey_id", "customer", "account"}


def _record(table: Snapshot | pd.DataFrame, positions: np.ndarray, field: str) -> Any:
    """One field of a record, or the records whole (dicts) where `field` is empty."""

    def cells_of(name: str) -> Any:
        return take_cells(table, name, positions) if isinstance(table, pd.DataFrame) else table.take(name, positions)

    if field:
        return cells_of(field.split(".", maxsplit=1)[0])
    names = list(table.columns)
    cells = [pd.Series(cells_of(name)).astype(object) for name in names]
    columns = [c.where(c.notna(), None).to_list() for c in cells]
    records = np.empty(len(positions), dtype=object)
    records[:] = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    return records
