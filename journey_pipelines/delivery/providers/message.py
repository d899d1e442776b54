"""What a provider gets to send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import pandas as pd

PARTS: Final = ("html", "text")


@dataclass(frozen=True)
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

    @cached_property
    def parted(self) -> "Parted":
        """Its PARTS in lines."""
        lines: list[str] = []
        shape, size = [], 0
        for part in PARTS:
            if text := self.payload.get(part):
                before = len(lines)
                lines += text.split("\n")
                shape.append((part, len(lines) - before))
                size += len(text.encode())
        return Parted(lines, tuple(shape), size)


@dataclass(frozen=True, slots=True)
class Parted:
    """The texts of a message in lines."""

    lines: Sequence[str]
    """Of all PARTS that it has, one after the other."""
    shape: tuple[tuple[str, int], ...]
    """Those parts, and how many of `lines` each has."""
    size: int
    """The length of the texts in bytes (UTF-8)."""


def messages_of(dispatches: pd.DataFrame) -> Sequence[Message]:
    """One message for each row of DISPATCHES, in order."""
    groups = dispatches["journey_key"].str.cat(
        [dispatches["journey_version"].astype("str"), dispatches["node_id"]], ":"
    )
    # there are few instants, and each is dear to make
    codes, instants = pd.factorize(dispatches["left_at"].fillna(dispatches["requested_at"]))
    at = instants.to_pydatetime()
    rows = zip(dispatches["key"].tolist(), dispatches["payload"].tolist(), groups.tolist(), codes.tolist(), strict=True)
    return [Message(key, payload, group, at[code]) for key, payload, group, code in rows]
