"""What providers told of messages."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from journey_pipelines.engine.frames import RECEIPTS
from journey_pipelines.engine.states import SETTLED
from journey_pipelines.store.memory.state import Part
from journey_pipelines.store.values import detached, storable

IDENTITY: Final = ["provider", "event_id"]


class ReceiptsPart(Part):
    """Receipts, each event once."""

    def add_receipts(self, receipts: pd.DataFrame) -> pd.DataFrame:
        """See StoreTransaction."""
        rows = storable(receipts.assign(is_applied=False), RECEIPTS, table="receipts").drop_duplicates(IDENTITY)
        new = rows[~_identities(rows).isin(_identities(self.state.receipts))].reset_index(drop=True)
        self.state.receipts = pd.concat([self.state.receipts, new], ignore_index=True)
        return detached(new, RECEIPTS)

    def take_receipts(self, journey_keys: Sequence[str], *, limit: int) -> pd.DataFrame:
        """See StoreTransaction."""
        dispatches = self.state.tables["dispatches"].frame
        is_ready = dispatches["status"].isin([*SETTLED, "unknown"]) & dispatches["journey_key"].isin(list(journey_keys))
        receipts = self.state.receipts
        is_open = ~receipts["is_applied"] & receipts["dispatch_key"].isin(dispatches.loc[is_ready, "key"])
        return detached(receipts[is_open].sort_values(["at", *IDENTITY]).head(limit), RECEIPTS)

    def mark_applied(self, receipts: pd.DataFrame) -> None:
        """See StoreTransaction."""
        stored = self.state.receipts
        is_applied = stored["is_applied"] | _identities(stored).isin(_identities(receipts))
        self.state.receipts = stored.assign(is_applied=is_applied)


def _identities(receipts: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(receipts[IDENTITY])
