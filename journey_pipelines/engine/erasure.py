"""Forgetting one customer in the store: what is under way ends, then a pseudonym takes the customer's place.

The pseudonym is random, so that nobody computes it from the id. It lies in the customer's shard, and the ids of the
executions follow from it as they do from a customer's id, so that everything that holds of rows goes on to hold.
"""

from collections.abc import Mapping
from datetime import datetime
from secrets import token_hex
from typing import Final

import numpy as np
import pandas as pd

from journey_pipelines.engine.cancel import cancel_executions
from journey_pipelines.engine.identity import execution_ids
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.engine.shards import SHARDS, shard_of
from journey_pipelines.engine.states import UNFINISHED
from journey_pipelines.errors import JourneysError

DRAWN_AT_ONCE: Final = 4 * SHARDS


def withdraw(transaction: StoreTransaction, customer_id: str, *, at: datetime) -> int:
    """Cancel what the customer is inside, so that nothing more leaves; returns how many executions that were.

    Raises JourneysError while a run is under way: it may have read the customer's data already.
    """
    running = transaction.living_runs()
    if running:
        raise JourneysError(
            f"run {running[0]} is under way and may send to this customer; wait for its end and forget them then"
        )
    executions = transaction.executions_of(customer_id)
    inside = pd.Index(executions.loc[executions["state"].isin(UNFINISHED), "execution_id"])
    if len(inside):
        transaction.abandon_sending()
        cancel_executions(transaction, inside, at=at)
    return len(inside)


def replace_customer(transaction: StoreTransaction, customer_id: str, *, at: datetime) -> Mapping[str, int]:
    """Put a pseudonym in the customer's place, after `withdraw`; returns the rows of each table that were emptied."""
    withdraw(transaction, customer_id, at=at)
    pseudonym = pseudonym_for(customer_id)
    entries = transaction.entries_of(customer_id)
    renamed = entries.assign(old_id=entries["execution_id"], new_id=_new_ids(entries, pseudonym))
    return transaction.pseudonymise(customer_id, pseudonym, renamed[["old_id", "new_id"]])


def pseudonym_for(customer_id: str) -> str:
    """A random name in the shard of the customer, which is all that it says of them (ten bits)."""
    shard = shard_of([customer_id])[0]
    while True:
        names = [f"forgotten-{token_hex(16)}" for _ in range(DRAWN_AT_ONCE)]
        fitting = np.flatnonzero(shard_of(names) == shard)
        if len(fitting):
            return names[int(fitting[0])]


def _new_ids(entries: pd.DataFrame, pseudonym: str) -> pd.Series:
    ids = pd.Series(index=entries.index, dtype="str")
    for journey_key, rows in entries.groupby("journey_key"):
        numbers = rows["entry_number"].tolist()
        ids.loc[rows.index] = execution_ids(str(journey_key), [pseudonym] * len(rows), numbers)
    return ids
