"""Calendar arithmetic on columns against the slow and obvious version: one customer at a time, with zoneinfo."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_pipelines.engine import calendar
from journey_pipelines.engine.frames import TIME
from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.durations import Duration

NEW_YORK = "America/New_York"
ZONES = [NEW_YORK, "Australia/Lord_Howe", "Pacific/Apia", "Europe/Dublin", "Asia/Kolkata", "UTC", "America/Sao_Paulo"]
HOUR = timedelta(hours=1)


def times(*texts: str | datetime) -> pd.Series:
    return pd.Series(pd.to_datetime(list(texts), utc=True)).astype(TIME)


def zones(*names: str) -> pd.Series:
    return pd.Series(names, dtype="str")


def wall(instants: pd.Series, zone: str) -> list[str]:
    return [str(instant.tz_convert(zone).tz_localize(None)) for instant in instants]


def moved(local: str, zone: str, duration: str) -> str:
    """The local time of one customer after a duration."""
    start = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return wall(calendar.add(times(start), zones(zone), Duration.parse(duration)), zone)[0]


def next_time(local: str, zone: str, at: time | None, weekdays: frozenset[int] | None = None) -> str:
    start = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return wall(calendar.next_local_time(times(start), zones(zone), time=at, weekdays=weekdays), zone)[0]


def opening(local: str, start: time, end: time, weekdays: frozenset[int] | None = None, zone: str = NEW_YORK) -> str:
    instant = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    opens = calendar.window_opening(times(instant), zones(zone), start=start, end=end, weekdays=weekdays)
    return wall(opens, zone)[0]


# add


def test_a_day_over_the_spring_change_ends_at_the_same_wall_time() -> None:
    assert moved("2017-03-11T09:00", NEW_YORK, "P1D") == "2017-03-12 09:00:00"


def test_a_day_over_the_autumn_change_ends_at_the_same_wall_time() -> None:
    assert moved("2017-11-04T09:00", NEW_YORK, "P1D") == "2017-11-05 09:00:00"


def test_24_hours_over_the_spring_change_are_elapsed_time() -> None:
    assert moved("2017-03-11T09:00", NEW_YORK, "PT24H") == "2017-03-12 10:00:00"


def test_a_week_is_seven_calendar_days() -> None:
    assert moved("2017-03-08T09:00", NEW_YORK, "P1W") == "2017-03-15 09:00:00"


def test_a_wall_time_that_does_not_exist_moves_forward_by_the_gap() -> None:
    assert moved("2017-03-11T02:30", NEW_YORK, "P1D") == "2017-03-12 03:30:00"


def test_a_gap_of_half_an_hour_moves_by_half_an_hour() -> None:
    assert moved("2017-09-30T02:15", "Australia/Lord_Howe", "P1D") == "2017-10-01 02:45:00"


def test_a_wall_time_that_exists_twice_is_the_first() -> None:
    after = calendar.add(times("2017-11-04T05:30Z"), zones(NEW_YORK), Duration(days=1))
    assert after.tolist() == times("2017-11-05T05:30Z").tolist()


def test_a_day_that_a_zone_skips_is_moved_by_that_day() -> None:
    assert moved("2011-12-29T10:00", "Pacific/Apia", "P1D") == "2011-12-31 10:00:00"


def test_the_end_of_a_month_is_clamped() -> None:
    assert moved("2017-01-31T09:00", NEW_YORK, "P1M") == "2017-02-28 09:00:00"
    assert moved("2016-01-31T09:00", NEW_YORK, "P1M") == "2016-02-29 09:00:00"


def test_months_backwards_are_clamped_too() -> None:
    assert moved("2017-03-31T09:00", NEW_YORK, "-P1M") == "2017-02-28 09:00:00"


def test_hours_follow_the_calendar_part() -> None:
    assert moved("2017-03-11T09:00", NEW_YORK, "P1DT1H") == "2017-03-12 10:00:00"


def test_elapsed_durations_never_touch_wall_time() -> None:
    second_half_past_one = times("2017-11-05T06:30Z")
    after = calendar.add(second_half_past_one, zones(NEW_YORK), Duration(seconds=60))
    assert after.tolist() == times("2017-11-05T06:31Z").tolist()


def test_null_times_stay_null() -> None:
    instants = pd.Series([pd.NaT, pd.Timestamp("2017-01-31T00:00Z")], dtype=TIME)
    after = calendar.add(instants, zones(NEW_YORK, NEW_YORK), Duration(months=1, days=1))
    assert after.isna().tolist() == [True, False]
    assert after.dtype == TIME


def test_the_index_is_unchanged() -> None:
    instants = times("2017-01-31T00:00Z", "2017-02-01T00:00Z")
    instants.index = pd.Index([7, 3])
    after = calendar.add(instants, zones(NEW_YORK, "UTC"), Duration(days=1))
    assert after.index.tolist() == [7, 3]


def test_an_empty_column_stays_empty() -> None:
    none = times()
    assert calendar.add(none, zones(), Duration(days=1)).dtype == TIME
    assert len(calendar.next_local_time(none, zones(), time=time(9), weekdays=None)) == 0


def test_an_unknown_zone_is_an_error_that_names_it() -> None:
    with pytest.raises(JourneysError, match="Mars/Olympus"):
        calendar.to_local(times("2017-01-31T00:00Z"), zones("Mars/Olympus"))


# next local time


def test_the_next_time_of_day_is_today_where_it_is_ahead() -> None:
    assert next_time("2017-05-02T08:59", NEW_YORK, time(9)) == "2017-05-02 09:00:00"


def test_the_next_time_of_day_is_strictly_later() -> None:
    assert next_time("2017-05-02T09:00", NEW_YORK, time(9)) == "2017-05-03 09:00:00"


def test_the_next_time_of_day_keeps_to_its_weekdays() -> None:
    assert next_time("2017-05-05T10:00", NEW_YORK, time(9), frozenset({0, 4})) == "2017-05-08 09:00:00"


def test_a_weekday_without_a_time_is_the_start_of_that_day() -> None:
    assert next_time("2017-05-03T10:00", NEW_YORK, None, frozenset({0})) == "2017-05-08 00:00:00"


def test_on_a_monday_the_next_monday_is_a_week_away() -> None:
    assert next_time("2017-05-01T10:00", NEW_YORK, None, frozenset({0})) == "2017-05-08 00:00:00"


def test_a_time_of_day_inside_the_gap_moves_forward() -> None:
    assert next_time("2017-03-11T12:00", NEW_YORK, time(2, 30)) == "2017-03-12 03:30:00"


def test_a_time_of_day_that_exists_twice_ends_the_wait_once() -> None:
    after = calendar.next_local_time(times("2017-11-05T05:30Z"), zones(NEW_YORK), time=time(1, 30), weekdays=None)
    assert wall(after, NEW_YORK) == ["2017-11-06 01:30:00"]


# windows


def test_inside_the_window_is_now() -> None:
    assert opening("2017-05-02T08:00", time(8), time(21)) == "2017-05-02 08:00:00"
    assert opening("2017-05-02T20:59:59", time(8), time(21)) == "2017-05-02 20:59:59"


def test_the_end_of_the_window_is_outside() -> None:
    assert opening("2017-05-02T21:00", time(8), time(21)) == "2017-05-03 08:00:00"


def test_before_the_window_is_its_opening_on_the_same_day() -> None:
    assert opening("2017-05-02T07:00", time(8), time(21)) == "2017-05-02 08:00:00"


def test_a_window_on_weekdays_opens_on_the_next_of_them() -> None:
    assert opening("2017-05-05T22:00", time(8), time(21), frozenset({0, 1, 2, 3, 4})) == "2017-05-08 08:00:00"


def test_a_window_overnight_lasts_into_the_next_day() -> None:
    assert opening("2017-05-02T01:00", time(22), time(6)) == "2017-05-02 01:00:00"
    assert opening("2017-05-02T06:00", time(22), time(6)) == "2017-05-02 22:00:00"


def test_the_weekday_of_a_window_overnight_is_that_of_its_opening() -> None:
    monday = frozenset({0})
    assert opening("2017-05-02T01:00", time(22), time(6), monday) == "2017-05-02 01:00:00"
    assert opening("2017-05-01T01:00", time(22), time(6), monday) == "2017-05-01 22:00:00"


def test_a_window_from_midnight_to_midnight_is_the_whole_day() -> None:
    assert opening("2017-05-02T13:00", time(0), time(0), frozenset({1})) == "2017-05-02 13:00:00"
    assert opening("2017-05-03T13:00", time(0), time(0), frozenset({1})) == "2017-05-09 00:00:00"


def test_a_window_that_the_gap_swallows_opens_on_another_day() -> None:
    assert opening("2017-03-12T01:00", time(2), time(3)) == "2017-03-13 02:00:00"


# zones


def test_unknown_zones_are_replaced_by_the_default() -> None:
    given = pd.Series(["Europe/Dublin", None, "", "../../etc/passwd", "Mars", "utc\0", "A" * 10_000, float("nan")])
    usable = calendar.usable_zones(given, "UTC")
    assert usable.tolist() == ["Europe/Dublin", *["UTC"] * 7]


def test_zones_that_are_no_texts_are_replaced_by_the_default() -> None:
    given = pd.Series([{"a": 1}, 5, ["UTC"], True], dtype=object)
    assert calendar.usable_zones(given, "UTC").tolist() == ["UTC"] * 4


# against the reference

instants = st.integers(788_918_400, 2_082_758_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
near_changes = st.sampled_from(
    [
        datetime(2017, 3, 12, 7, tzinfo=UTC),
        datetime(2017, 11, 5, 6, tzinfo=UTC),
        datetime(2017, 9, 30, 15, 30, tzinfo=UTC),
        datetime(2017, 4, 1, 15, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),
        datetime(2017, 3, 26, 1, tzinfo=UTC),
        datetime(2017, 10, 29, 1, tzinfo=UTC),
        datetime(2017, 10, 15, 3, tzinfo=UTC),
    ]
).flatmap(lambda change: st.integers(-4320, 4320).map(lambda minutes: change + timedelta(minutes=minutes)))
rows = st.lists(st.tuples(instants | near_changes, st.sampled_from(ZONES)), min_size=1, max_size=20)
clock_times = st.times().map(lambda value: time(value.hour, value.minute))
weekday_sets = st.none() | st.frozensets(st.integers(0, 6), min_size=1)


def to_utc(local: datetime, zone: str) -> datetime:
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def columns(drawn: list[tuple[datetime, str]]) -> tuple[pd.Series, pd.Series]:
    return times(*[instant for instant, _ in drawn]), zones(*[zone for _, zone in drawn])


def reference_add(instant: datetime, zone: str, duration: Duration) -> datetime:
    if duration.is_elapsed:
        return instant + timedelta(seconds=duration.seconds)
    local = pd.Timestamp(instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None))
    there = (local + pd.DateOffset(months=duration.months) + timedelta(days=duration.days)).to_pydatetime()
    return to_utc(there, zone) + timedelta(seconds=duration.seconds)


def reference_next(instant: datetime, zone: str, at: time | None, weekdays: frozenset[int] | None) -> datetime:
    today = instant.astimezone(ZoneInfo(zone)).date()
    days = [today + timedelta(days=number) for number in range(-2, 10)]
    matching = [day for day in days if weekdays is None or day.weekday() in weekdays]
    candidates = [to_utc(datetime.combine(day, at or time(0)), zone) for day in matching]
    return min(candidate for candidate in candidates if candidate > instant)


def reference_opening(
    instant: datetime, zone: str, start: time, end: time, weekdays: frozenset[int] | None
) -> datetime:
    today = instant.astimezone(ZoneInfo(zone)).date()
    for number in range(-2, 20):
        day = today + timedelta(days=number)
        last_day = day + timedelta(days=1 if end <= start else 0)
        opens, closes = to_utc(datetime.combine(day, start), zone), to_utc(datetime.combine(last_day, end), zone)
        if (weekdays is None or day.weekday() in weekdays) and opens < closes and closes > instant:
            return max(opens, instant)
    raise AssertionError("no window")


@settings(max_examples=150, deadline=None)
@given(rows, st.integers(-30, 30), st.integers(-400, 400), st.integers(-(10**6), 10**6))
def test_adding_agrees_with_the_reference(
    drawn: list[tuple[datetime, str]], months: int, days: int, seconds: int
) -> None:
    duration = Duration(months, days, seconds)
    got = calendar.add(*columns(drawn), duration)
    assert got.tolist() == [reference_add(instant, zone, duration) for instant, zone in drawn]


@settings(max_examples=150, deadline=None)
@given(rows)
def test_wall_times_agree_with_the_reference_both_ways(drawn: list[tuple[datetime, str]]) -> None:
    instant_column, zone_column = columns(drawn)
    local = [instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for instant, zone in drawn]
    assert calendar.to_local(instant_column, zone_column).tolist() == local
    naive = pd.Series([instant.replace(tzinfo=None) for instant, _ in drawn]).astype("datetime64[us]")
    back = calendar.local_to_utc(naive, zone_column)
    assert back.tolist() == [to_utc(instant.replace(tzinfo=None), zone) for instant, zone in drawn]


@settings(max_examples=150, deadline=None)
@given(rows, st.none() | clock_times, weekday_sets)
def test_the_next_local_time_agrees_with_the_reference(
    drawn: list[tuple[datetime, str]], at: time | None, weekdays: frozenset[int] | None
) -> None:
    got = calendar.next_local_time(*columns(drawn), time=at, weekdays=weekdays)
    assert got.tolist() == [reference_next(instant, zone, at, weekdays) for instant, zone in drawn]


@settings(max_examples=150, deadline=None)
@given(rows, clock_times, clock_times, weekday_sets)
def test_windows_agree_with_the_reference(
    drawn: list[tuple[datetime, str]], start: time, end: time, weekdays: frozenset[int] | None
) -> None:
    got = calendar.window_opening(*columns(drawn), start=start, end=end, weekdays=weekdays)
    assert got.tolist() == [reference_opening(instant, zone, start, end, weekdays) for instant, zone in drawn]


# cost


def calls_of(work: Callable[[], object]) -> int:
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "work",
    [
        lambda column, names: calendar.add(column, names, Duration(months=1, days=1, seconds=60)),
        lambda column, names: calendar.next_local_time(column, names, time=time(9), weekdays=frozenset({0, 3})),
        lambda column, names: calendar.window_opening(column, names, start=time(22), end=time(6), weekdays=None),
        lambda column, names: calendar.usable_zones(names, "UTC"),
    ],
)
def test_python_steps_do_not_grow_with_the_rows(work: Callable[[pd.Series, pd.Series], Any]) -> None:
    def columns_of(size: int) -> tuple[pd.Series, pd.Series]:
        seconds = np.linspace(1.48e9, 1.52e9, size).astype("int64")
        return pd.Series(pd.to_datetime(seconds, unit="s", utc=True)).astype(TIME), zones(*ZONES).take(
            np.arange(size) % len(ZONES)
        )

    few, many = columns_of(1_000), columns_of(100_000)
    work(*few)
    assert calls_of(lambda: work(*many)) <= calls_of(lambda: work(*few)) * 1.02
