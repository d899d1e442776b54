"""What a channel is."""

from typing import Protocol

import pandas as pd


class Channel(Protocol):
    """Carries the messages of one kind. One behaviour suite runs against every channel."""

    def send(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """Hand over DISPATCHES rows with rendered payloads; returns key, status, result.

        Status is sent, failed (will never work: the reason is in result["reason"]), retry (may work later) or unknown.
        The result of a retry may say `retry_after`, how many seconds the provider asks to wait, and `"counts": false`,
        where the fault is not the message's own and the try is no attempt of it. Any result may say `dead_addresses`,
        {address: reason}: they go on the channel's suppression list, and not into the store's result. A key without an
        answer counts as unknown. Sending a key again must not reach the customer twice where the provider allows it.
        """

    def look_up(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """What is known of dispatches that were sent before a crash; returns key, status, result.

        `sent` or `failed` where the provider knows it, `retry` where it provably never left, no row where nobody can
        tell.
        """
