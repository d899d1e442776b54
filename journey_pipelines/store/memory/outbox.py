"""Dispatches on their way out, and who must not be written to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import pandas as pd

from journey_pipelines.engine.frames import DISPATCHES, SUPPRESSIONS
from journey_pipelines.engine.states import UNSETTLED
from journey_pipelines.store.memory.state import Part
from journey_pipelines.store.values import detached, hash_of, storable

LEFT: Final = ("sent", "sending", "unknown")
QUEUE_ORDER: Final = {
    "priority": False,
    "journey_key": True,
    "due_at": True,
    "requested_at": True,
    "execution_id": True,
    "key": True,
}


class OutboxPart(Part):
    """Claims, results and suppressions."""

    def take_dispatches(
        self, *, as_of: datetime, journey_keys: Sequence[str], status: str = "pending", limit: int
    ) -> pd.DataFrame:
        """See StoreTransaction."""
        dispatches = self.state.tables["dispatches"].frame
        is_asked = (dispatches["status"] == status) & dispatches["journey_key"].isin(list(journey_keys))
        is_asked &= dispatches["next_at"].isna() | (dispatches["next_at"] <= pd.Timestamp(as_of))
        queue = dispatches[is_asked].sort_values(list(QUEUE_ORDER), ascending=list(QUEUE_ORDER.values()))
        return detached(queue.head(limit), DISPATCHES)

    def dispatches_of(self, execution_ids: pd.Index) -> pd.DataFrame:
        """See StoreTransaction."""
        dispatches = self.state.tables["dispatches"].frame
        is_asked = dispatches["status"].isin(UNSETTLED) & dispatches["execution_id"].isin(execution_ids)
        return detached(dispatches[is_asked], DISPATCHES)

    def dispatches_with(self, keys: pd.Index) -> pd.DataFrame:
        """See StoreTransaction."""
        dispatches = self.state.tables["dispatches"].frame
        return detached(dispatches[dispatches["key"].isin(keys)].sort_values("key"), DISPATCHES)

    def save_dispatches(self, dispatches: pd.DataFrame) -> None:
        """See StoreTransaction."""
        rows = storable(dispatches, DISPATCHES, table="dispatches")
        self.state.tables["dispatches"] = self.state.tables["dispatches"].replace_rows(rows)

    def abandon_sending(self) -> int:
        """See StoreTransaction."""
        table = self.state.tables["dispatches"]
        is_abandoned = (table.frame["status"] == "sending") & ~table.frame["run_id"].isin(self.running)
        if is_abandoned.any():
            self.state.tables["dispatches"] = table.write(is_abandoned, status="unknown", next_at=pd.NaT)
        return int(is_abandoned.sum())

    def suppressed(self, channel: str, addresses: pd.Index, *, purpose: str = "marketing") -> pd.Index:
        """See StoreTransaction."""
        suppressions = self.state.suppressions
        is_listed = (suppressions["channel"] == channel) & suppressions["purpose"].isin(["all", purpose])
        listed = pd.Index(suppressions.loc[is_listed, "address"])
        asked = pd.Index(addresses.dropna().unique(), dtype="str", name="address")
        return asked[asked.isin(listed) | self._hashes(asked).isin(listed)].sort_values()

    def _hashes(self, addresses: pd.Index) -> pd.Index:
        """As the lists have them where their owners were forgotten; the addresses themselves before anybody was."""
        salt = self.state.salt
        return pd.Index([hash_of(salt, address) for address in addresses], dtype="str") if salt else addresses

    def add_suppressions(self, suppressions: pd.DataFrame) -> int:
        """See StoreTransaction."""
        rows = storable(suppressions, SUPPRESSIONS, table="suppressions")
        rows = rows.assign(purpose=rows["purpose"].fillna("all"))
        identity = ["channel", "address", "purpose"]
        both = pd.concat([self.state.suppressions, rows], ignore_index=True).drop_duplicates(identity)
        added = len(both) - len(self.state.suppressions)
        self.state.suppressions = both.reset_index(drop=True)
        return added

    def remove_suppressions(self, channel: str, addresses: pd.Index) -> int:
        """See StoreTransaction."""
        suppressions = self.state.suppressions
        either = addresses.dropna().union(self._hashes(addresses.dropna()))
        is_gone = (suppressions["channel"] == channel) & suppressions["address"].isin(either)
        self.state.suppressions = suppressions[~is_gone].reset_index(drop=True)
        return int(is_gone.sum())

    def sends_since(self, customer_ids: pd.Index, since: datetime) -> pd.DataFrame:
        """See StoreTransaction."""
        dispatches = self.state.tables["dispatches"].frame
        has_left = dispatches["status"].isin(LEFT) & (dispatches["left_at"] >= pd.Timestamp(since))
        left = dispatches[has_left & dispatches["customer_id"].isin(customer_ids)].sort_values(["left_at", "key"])
        return left[["customer_id", "action_type", "left_at"]].reset_index(drop=True)
