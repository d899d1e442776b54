"""What forgetting one customer needs from the store; part of `StoreTransaction`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import pandas as pd


class Erasing(Protocol):
    """Rows of one customer: counted, renamed and emptied, looked for."""

    def personal_rows(self, customer_id: str) -> Mapping[str, int]:
        """How many rows of each table are about a customer; only tables that have some."""

    def entries_of(self, customer_id: str) -> pd.DataFrame:
        """One row for each entry, those whose executions retention removed too: execution_id, journey_key,
        entry_number."""

    def living_runs(self) -> list[str]:
        """Ids of the runs that are under way, the oldest first."""

    def hash_suppressions(self, addresses: pd.Index, salt: str) -> int:
        """Replace addresses on the suppression lists of all channels by hashes that `suppressed` still knows.

        The first salt that is given stays the store's. Returns how many rows there were.
        """

    def pseudonymise(self, customer_id: str, pseudonym: str, renamed: pd.DataFrame) -> Mapping[str, int]:
        """Put the pseudonym in the place of the customer and empty what the rows say; events go.

        `renamed` has one row for each entry: old_id, new_id. All executions must have ended. Returns the rows of each
        table that were emptied or removed; tables that had none are left out.
        """

    def record_erasure(self, erasure_id: str, rows: Mapping[str, int], *, at: datetime) -> None:
        """Note that somebody was forgotten; the same id twice is one."""

    def search(self, ids: str, addresses: str | None) -> Mapping[str, int]:
        """Rows of every table that match one of two regular expressions in a column of text or JSON; 0 where none do.

        `addresses` is compared without regard to capitals.
        """
