"""Instants in their two forms: `datetime64[us, UTC]` in frames, and plain numpy microseconds in UTC inside a chunk.

Numpy has no time zones and compares several times faster; pandas refuses to mix the two, so every crossing is here.
"""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd


def to_instants(times: pd.Series) -> np.ndarray:
    """Aware times as `datetime64[us]` in UTC, by position; NaT stays NaT. A copy that may be written to."""
    return np.array(times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(), dtype="datetime64[us]")


def to_times(instants: np.ndarray) -> pd.Series:
    """Plain UTC instants as `datetime64[us, UTC]`, with a RangeIndex."""
    return pd.Series(instants).dt.tz_localize("UTC")


def instant(at: Any) -> np.datetime64:
    """One aware datetime as a plain UTC instant."""
    return np.datetime64(pd.Timestamp(at).tz_convert("UTC").tz_localize(None).to_datetime64(), "us")


def tick_after(at: datetime) -> datetime:
    """The next instant that the store can tell apart: work that belongs to the next run is due then."""
    return at + timedelta(microseconds=1)
