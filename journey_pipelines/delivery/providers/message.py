"""What a provider gets to send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd


@dataclass(frozen=True, slots=True)
class Message:
    """One rendered message."""

    key: str
    """The key of its dispatch, unique for ever."""
    payload: Mapping[str, Any]
    """As its action type rendered it, with the address in `to`."""
    group: str
    """Equal for messages of one node, whose texts differ in a few places only."""
    at: datetime
    """When it left first (`as_of` of that run), aware."""


def messages_of(dispatches: pd.DataFrame) -> Sequence[Message]:
    """One message for each row of DISPATCHES, in order."""
    at = dispatches["left_at"].fillna(dispatches["requested_at"])
    groups = dispatches["journey_key"].str.cat(
        [dispatches["journey_version"].astype("str"), dispatches["node_id"]], ":"
    )
    rows = zip(dispatches["key"], dispatches["payload"], groups, at, strict=True)
    return [Message(key, payload, group, instant) for key, payload, group, instant in rows]
