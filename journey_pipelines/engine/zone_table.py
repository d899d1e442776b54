"""A time zone as a table of its changes, so that conversions of whole columns are one binary search."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2199

_SECOND: Final = np.timedelta64(1, "s")


@dataclass(frozen=True)
class ZoneTable:
    """The offsets from UTC (`m8[us]`) before, between and after the changes (`M8[us]`, UTC, ascending).

    Complete from 1900 to 2199; further away the nearest offset holds.
    """

    changes: np.ndarray
    offsets: np.ndarray
    wall_changes: np.ndarray  # the wall time from which on the next offset holds

    def walls(self, instants: np.ndarray) -> np.ndarray:
        """Wall times (`M8[us]`) of instants in UTC; NaT stays NaT."""
        return np.asarray(instants + self.offsets[np.searchsorted(self.changes, instants, side="right")])

    def instants(self, walls: np.ndarray) -> np.ndarray:
        """Instants in UTC (`M8[us]`) of wall times; the first of two, and what is missing moved by the gap."""
        return np.asarray(walls - self.offsets[np.searchsorted(self.wall_changes, walls, side="right")])


@cache
def zone_table(name: str) -> ZoneTable:
    """The table of an IANA zone, found by looking at it every day and then closer where the offset differs."""
    days = np.arange(f"{FIRST_YEAR}-01-01", f"{LAST_YEAR + 1}-01-01", dtype="M8[D]").astype("M8[s]")
    of_days = _offsets(days, name)
    differs = np.flatnonzero(of_days[1:] != of_days[:-1])
    before, after = days[differs], days[differs + 1]
    while ((after - before) > _SECOND).any():
        middle = before + (after - before) // 2
        is_before = _offsets(middle, name) == of_days[differs]
        before, after = np.where(is_before, middle, before), np.where(is_before, after, middle)
    changes = after.astype("M8[us]")
    offsets = np.concatenate([of_days[:1], of_days[differs + 1]]).astype("m8[us]")
    # PEP 495 with fold=0: in a gap as in a fold the offset before the change still holds.
    return ZoneTable(changes, offsets, changes + np.maximum(offsets[1:], offsets[:-1]))


def _offsets(instants: np.ndarray, name: str) -> np.ndarray:
    local = pd.DatetimeIndex(instants).tz_localize("UTC").tz_convert(name).tz_localize(None)
    return np.asarray(local.to_numpy(dtype="M8[s]") - instants)
