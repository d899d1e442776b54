"""Putting receipts into the store, with the addresses that they suppress, in one transaction."""

from collections.abc import Sequence

import pandas as pd

from journey_pipelines.delivery.addresses import plain_addresses
from journey_pipelines.delivery.receipts.receipt import Receipt
from journey_pipelines.engine.frames import RECEIPTS, SUPPRESSIONS, conform
from journey_pipelines.engine.ports import JourneyStore, StoreTransaction


def record_receipts(store: JourneyStore, receipts: Sequence[Receipt]) -> int:
    """Store those that are new, and suppress their addresses; returns how many are new.

    One that comes again changes nothing: an address that was taken off its list since stays off.
    """
    if not receipts:
        return 0

    def work(transaction: StoreTransaction) -> int:
        new = transaction.add_receipts(_frame(receipts))
        identities = set(zip(new["provider"], new["event_id"], strict=True))
        suppress(transaction, [one for one in receipts if (one.provider, one.event_id) in identities])
        return len(new)

    return store.transact(work)


def suppress(transaction: StoreTransaction, receipts: Sequence[Receipt]) -> int:
    """Put the addresses of these receipts on their lists; returns how many are new there."""
    found = [(one.suppression, one.outcome, one.reason) for one in receipts if one.suppression is not None]
    if not found:
        return 0
    rows = pd.DataFrame(
        {
            "channel": [suppression.channel for suppression, _, _ in found],
            "address": [suppression.address for suppression, _, _ in found],
            "reason": [reason or outcome for _, outcome, reason in found],
            "purpose": [suppression.purpose for suppression, _, _ in found],
        }
    )
    rows["address"] = plain_addresses(rows["address"].astype("str"))
    return transaction.add_suppressions(conform(rows, SUPPRESSIONS))


def _frame(receipts: Sequence[Receipt]) -> pd.DataFrame:
    names = ("provider", "event_id", "dispatch_key", "outcome", "reason")
    frame = pd.DataFrame({name: pd.Series([getattr(one, name) for one in receipts], dtype=object) for name in names})
    times = pd.to_datetime(pd.Series([one.at for one in receipts]), utc=True).dt.as_unit("us")
    return conform(frame.assign(at=times, is_applied=False), RECEIPTS)
