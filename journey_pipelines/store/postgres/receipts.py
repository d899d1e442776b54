"""What providers told of messages."""

from collections.abc import Sequence

import pandas as pd

from journey_pipelines.engine.frames import RECEIPTS
from journey_pipelines.store.postgres.part import Part
from journey_pipelines.store.statements import statements

SQL = statements("receipts")


class ReceiptsPart(Part):
    """Receipts, each event once."""

    def add_receipts(self, receipts: pd.DataFrame) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage("receipts", receipts.assign(is_applied=False), RECEIPTS)
        return self.session.returned(SQL["add_receipts"], RECEIPTS)

    def take_receipts(self, journey_keys: Sequence[str], *, limit: int) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage_labels(journey_keys)
        return self.session.frame(SQL["take_receipts"], RECEIPTS, limit=limit)

    def mark_applied(self, receipts: pd.DataFrame) -> None:
        """See StoreTransaction."""
        self.session.stage("receipts", receipts, RECEIPTS)
        self.session.execute(SQL["mark_applied"])
