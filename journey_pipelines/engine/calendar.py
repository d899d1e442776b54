"""Calendar arithmetic in the customers' time zones, on whole columns.

Times are Series of `datetime64[us, UTC]`, zones IANA names aligned with them by position (see `usable_zones`). NaT
stays NaT. Python steps grow with the number of distinct zones, never with the rows. A wall time that does not exist
moves forward by the gap, one that exists twice is the first (PEP 495, fold=0).
"""

from collections.abc import Collection, Iterator
from datetime import time
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.durations import Duration
from journey_pipelines.journeys.timezones import known_timezones

_UTC: Final = "datetime64[us, UTC]"
_NAIVE: Final = "datetime64[us]"
_DAY: Final = np.timedelta64(1, "D")
# Beyond every offset from UTC (-12 to +14 hours, local mean times up to 16), so that a wall time, read as UTC and
# moved by it, lies before or after the instant that it means.
_FARTHEST_OFFSET: Final = np.timedelta64(16, "h")


def usable_zones(zones: pd.Series, default: str) -> pd.Series:
    """The zones as `str`, with `default` in place of null and of names that nobody knows; index unchanged."""
    names = zones.astype("str")
    return names.where(names.isin(known_timezones()), default)


def to_local(times: pd.Series, zones: Any) -> pd.Series:
    """Naive wall times (`datetime64[us]`) of the instants in their zones; index unchanged."""
    instants = _utc_values(times)
    walls = np.empty_like(instants)
    for zone, rows in _rows_of_zones(zones, len(instants)):
        walls[rows] = _walls(instants[rows], zone)
    return pd.Series(walls, index=times.index, dtype=_NAIVE)


def local_to_utc(wall: pd.Series, zones: Any) -> pd.Series:
    """The instants that naive wall times mean in their zones; index unchanged."""
    walls = wall.to_numpy(dtype="M8[us]")
    instants = np.empty_like(walls)
    for zone, rows in _rows_of_zones(zones, len(walls)):
        instants[rows] = _instants(walls[rows], zone)
    return _utc_series(instants, wall.index)


def add(times: pd.Series, zones: Any, duration: Duration) -> pd.Series:
    """The times moved by a duration: months (clamped to the month's end) and days on the local calendar, then the rest
    as elapsed time. Without months and days no time zone is looked at; index unchanged."""
    elapsed = np.timedelta64(duration.seconds, "s")
    if duration.is_elapsed:
        return _utc_series(_utc_values(times) + elapsed, times.index)
    walls = to_local(times, zones).to_numpy(dtype="M8[us]")
    moved = _months_later(walls, duration.months) + duration.days * _DAY
    there = local_to_utc(pd.Series(moved, index=times.index), zones)
    return _utc_series(_utc_values(there) + elapsed, times.index)


def next_local_time(times: pd.Series, zones: Any, *, time: time | None, weekdays: Collection[int] | None) -> pd.Series:
    """The next such local time strictly after each instant; index unchanged.

    `weekdays` are numbers from 0 (Monday), None means every day. Without `time` it is the start of the day: on a
    Monday, the next Monday is a week away (an action's window is what lets today pass).
    """
    instants = _utc_values(times)
    zones = _zone_array(zones, len(instants))
    days = to_local(times, zones).to_numpy(dtype="M8[D]")
    found = np.full(len(instants), np.datetime64("NaT", "us"))
    # Yesterday's, because a gap around midnight can move it into today; today's one may have passed, a week follows.
    for offset in range(-1, 8):
        open_rows = np.flatnonzero(np.isnat(found) & ~np.isnat(instants) & _falls_on(days + offset, weekdays))
        candidates = _at(days[open_rows] + offset, time, zones[open_rows])
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
    instants = _utc_values(times)
    zones = _zone_array(zones, len(instants))
    days = to_local(times, zones).to_numpy(dtype="M8[D]")
    found = np.full(len(instants), np.datetime64("NaT", "us"))
    last_day = 1 if end <= start else 0
    # Yesterday's may still be open. Two weeks, because a gap can swallow this week's window whole.
    for offset in range(-1, 15):
        rows = np.flatnonzero(np.isnat(found) & ~np.isnat(instants) & _falls_on(days + offset, weekdays))
        opens = _at(days[rows] + offset, start, zones[rows])
        closes = _at(days[rows] + offset + last_day, end, zones[rows])
        is_ahead = (closes > opens) & (closes > instants[rows])
        found[rows[is_ahead]] = np.maximum(opens, instants[rows])[is_ahead]
    return _utc_series(found, times.index)


def _at(days: np.ndarray, at: time | None, zones: np.ndarray) -> np.ndarray:
    since_midnight = np.timedelta64(0, "us")
    if at is not None:
        since_midnight = np.timedelta64(((at.hour * 60 + at.minute) * 60 + at.second) * 10**6 + at.microsecond, "us")
    walls = pd.Series(days.astype("M8[us]") + since_midnight, dtype=_NAIVE)
    return np.asarray(_utc_values(local_to_utc(walls, zones)))


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


def _walls(instants: np.ndarray, zone: str) -> np.ndarray:
    local = pd.DatetimeIndex(instants).tz_localize("UTC").tz_convert(zone)
    return np.asarray(local.tz_localize(None).to_numpy(dtype="M8[us]"))


def _instants(walls: np.ndarray, zone: str) -> np.ndarray:
    """pandas' own tz_localize has no "move by the gap", and loses its way where a whole day is skipped (Apia, 2011)."""
    offset_before = _walls(walls - _FARTHEST_OFFSET, zone) - (walls - _FARTHEST_OFFSET)
    offset_after = _walls(walls + _FARTHEST_OFFSET, zone) - (walls + _FARTHEST_OFFSET)
    instants = walls - offset_before
    near_change = np.flatnonzero(offset_before != offset_after)
    if len(near_change):
        wanted = walls[near_change]
        first, second = wanted - offset_before[near_change], wanted - offset_after[near_change]
        is_only_second = (_walls(first, zone) != wanted) & (_walls(second, zone) == wanted)
        instants[near_change] = np.where(is_only_second, second, first)
    return instants


def _rows_of_zones(zones: Any, size: int) -> Iterator[tuple[str, np.ndarray | slice]]:
    codes, names = pd.factorize(_zone_array(zones, size))
    unknown = [name for name in names if name not in known_timezones()]
    if unknown or (codes < 0).any():
        shown = ", ".join(map(repr, unknown[:3])) or "null"
        raise JourneysError(f"unknown time zone {shown}; expected IANA names such as Europe/Dublin")
    if len(names) == 1:
        yield names[0], slice(None)
        return
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    for number, name in enumerate(names):
        yield name, order[bounds[number] : bounds[number + 1]]


def _zone_array(zones: Any, size: int) -> np.ndarray:
    names = np.asarray(zones, dtype=object)
    if len(names) != size:
        raise ValueError(f"{len(names)} zones for {size} times")
    return names


def _utc_values(times: pd.Series) -> np.ndarray:
    return np.array(times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="M8[us]"))


def _utc_series(instants: np.ndarray, index: pd.Index) -> pd.Series:
    return pd.Series(pd.DatetimeIndex(instants).tz_localize("UTC"), index=index).astype(_UTC)
