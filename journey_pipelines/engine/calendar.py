"""Calendar arithmetic in the customers' time zones, on whole columns.

Times are Series of `datetime64[us, UTC]`, zones IANA names aligned with them by position (see `usable_zones`). NaT
stays NaT. Python steps grow with the number of distinct zones, never with the rows. A wall time that does not exist
moves forward by the gap, one that exists twice is the first (PEP 495, fold=0).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import time
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.engine.instants import to_instants
from journey_pipelines.engine.zone_table import ZoneTable, zone_table
from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.durations import Duration
from journey_pipelines.journeys.timezones import known_timezones

_UTC: Final = "datetime64[us, UTC]"
_NAIVE: Final = "datetime64[us]"
_DAY: Final = np.timedelta64(1, "D")


def usable_zones(zones: pd.Series, default: str) -> pd.Series:
    """The zones as `str`, with `default` in place of null and of names that nobody knows; index unchanged."""
    names = zones.astype("str")
    return names.where(names.isin(known_timezones()), default)


def to_local(times: pd.Series, zones: Any) -> pd.Series:
    """Naive wall times (`datetime64[us]`) of the instants in their zones; index unchanged."""
    instants = to_instants(times)
    return pd.Series(_Zones.of(zones, len(instants)).walls(instants), index=times.index, dtype=_NAIVE)


def local_to_utc(wall: pd.Series, zones: Any) -> pd.Series:
    """The instants that naive wall times mean in their zones; index unchanged."""
    walls = wall.to_numpy(dtype="M8[us]")
    return _utc_series(_Zones.of(zones, len(walls)).instants(walls), wall.index)


def add(times: pd.Series, zones: Any, duration: Duration) -> pd.Series:
    """The times moved by a duration: months (clamped to the month's end) and days on the local calendar, then the rest
    as elapsed time. Without months and days no time zone is looked at; index unchanged."""
    elapsed = np.timedelta64(duration.seconds, "s")
    if duration.is_elapsed:
        return _utc_series(to_instants(times) + elapsed, times.index)
    instants = to_instants(times)
    places = _Zones.of(zones, len(instants))
    moved = _months_later(places.walls(instants), duration.months) + duration.days * _DAY
    return _utc_series(places.instants(moved) + elapsed, times.index)


def next_local_time(times: pd.Series, zones: Any, *, time: time | None, weekdays: Collection[int] | None) -> pd.Series:
    """The next such local time strictly after each instant; index unchanged.

    `weekdays` are numbers from 0 (Monday), None means every day. Without `time` it is the start of the day: on a
    Monday, the next Monday is a week away (an action's window is what lets today pass).
    """
    instants = to_instants(times)
    places = _Zones.of(zones, len(instants))
    days = places.walls(instants).astype("M8[D]")
    found = np.full(len(instants), np.datetime64("NaT", "us"))
    # Yesterday's, because a gap around midnight can move it into today; today's one may have passed, a week follows.
    for offset in range(-1, 8):
        is_open = np.isnat(found) & ~np.isnat(instants)
        if not is_open.any():
            break
        open_rows = np.flatnonzero(is_open & _falls_on(days + offset, weekdays))
        candidates = places.take(open_rows).instants(_at(days[open_rows] + offset, time))
        is_later = candidates > instants[open_rows]
        found[open_rows[is_later]] = candidates[is_later]
    return _utc_series(found, times.index)


def window_opening(
    times: pd.Series, zones: Any, *, start: time, end: time, weekdays: Collection[int] | None
) -> pd.Series:
    """The instant itself where it is inside the local window [start, end), else the next opening; index unchanged.

    A window whose end is not after its start lasts into the next day (equal: a whole day), and its weekday is that of
    the day on which it opens. NaT where no day ever matches.
    """
    instants = to_instants(times)
    places = _Zones.of(zones, len(instants))
    days = places.walls(instants).astype("M8[D]")
    found = np.full(len(instants), np.datetime64("NaT", "us"))
    last_day = 1 if end <= start else 0
    # Yesterday's may still be open, over a skipped day (Apia, 2011) even that of the day before. Two weeks ahead,
    # because a gap can swallow this week's window whole.
    for offset in range(-2, 15):
        is_open = np.isnat(found) & ~np.isnat(instants)
        if not is_open.any():
            break
        rows = np.flatnonzero(is_open & _falls_on(days + offset, weekdays))
        there = places.take(rows)
        opens = there.instants(_at(days[rows] + offset, start))
        closes = there.instants(_at(days[rows] + offset + last_day, end))
        is_ahead = (closes > opens) & (closes > instants[rows])
        found[rows[is_ahead]] = np.maximum(opens, instants[rows])[is_ahead]
    return _utc_series(found, times.index)


def _at(days: np.ndarray, at: time | None) -> np.ndarray:
    """Wall times on these days."""
    at = at or time(0)
    since_midnight = ((at.hour * 60 + at.minute) * 60 + at.second) * 10**6 + at.microsecond
    return np.asarray(days.astype("M8[us]") + np.timedelta64(since_midnight, "us"))


def _falls_on(days: np.ndarray, weekdays: Collection[int] | None) -> np.ndarray:
    if weekdays is None:
        return np.ones(len(days), dtype=bool)
    # 1 January 1970 was a Thursday, 3 where Monday is 0.
    return np.isin((days.astype("int64") + 3) % 7, sorted(weekdays))


def _months_later(walls: np.ndarray, months: int) -> np.ndarray:
    if months == 0:
        return walls
    days = walls.astype("M8[D]")
    old_months = days.astype("M8[M]")
    new_months = old_months + months
    first_days = new_months.astype("M8[D]")
    last_day_of_month = (new_months + 1).astype("M8[D]") - first_days - _DAY
    day_of_month = np.minimum(days - old_months.astype("M8[D]"), last_day_of_month)
    return np.asarray(first_days + day_of_month + (walls - days))


@dataclass(frozen=True)
class _Zones:
    """The zone of each row, as a number among the distinct names."""

    codes: np.ndarray
    names: np.ndarray

    @classmethod
    def of(cls, zones: Any, size: int) -> "_Zones":
        if len(zones) != size:
            raise ValueError(f"{len(zones)} zones for {size} times")
        codes, names = pd.factorize(zones if isinstance(zones, pd.Series) else np.asarray(zones, dtype=object))
        unknown = [name for name in names if name not in known_timezones()]
        if unknown or (codes < 0).any():
            shown = ", ".join(map(repr, unknown[:3])) or "null"
            raise JourneysError(f"unknown time zone {shown}; expected IANA names such as Europe/Dublin")
        return cls(codes, np.asarray(names, dtype=object))

    def take(self, rows: np.ndarray) -> "_Zones":
        return _Zones(self.codes[rows], self.names)

    def walls(self, instants: np.ndarray) -> np.ndarray:
        walls = np.empty_like(instants)
        for table, rows in self._tables():
            walls[rows] = table.walls(instants[rows])
        return walls

    def instants(self, walls: np.ndarray) -> np.ndarray:
        instants = np.empty_like(walls)
        for table, rows in self._tables():
            instants[rows] = table.instants(walls[rows])
        return instants

    def _tables(self) -> Iterator[tuple[ZoneTable, np.ndarray | slice]]:
        if len(self.names) == 1:
            yield zone_table(self.names[0]), slice(None)
            return
        order = np.argsort(self.codes, kind="stable")
        bounds = np.searchsorted(self.codes[order], np.arange(len(self.names) + 1))
        for number, name in enumerate(self.names):
            yield zone_table(name), order[bounds[number] : bounds[number + 1]]


def _utc_series(instants: np.ndarray, index: pd.Index) -> pd.Series:
    return pd.Series(pd.DatetimeIndex(instants).tz_localize("UTC"), index=index).astype(_UTC)
