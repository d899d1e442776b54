"""Time: `as_of` is an argument, calendar arithmetic is local, elapsed time is elapsed."""

from datetime import UTC, datetime, timedelta

import pytest

from journey_pipelines.errors import JourneysError
from tests.behaviour.builders import chain, features, only, profiles, run, wait


def due_of(document, as_of, **frames):
    return only(run(document, [as_of], **frames).executions)["due_at"].to_pydatetime()


def in_zone(zone):
    return profiles(timezone=zone)


def test_a_day_over_a_daylight_saving_change_ends_at_the_same_wall_time():
    noon_in_new_york = datetime(2017, 3, 11, 17, tzinfo=UTC)
    due = due_of(chain(wait("w", duration="P1D")), noon_in_new_york, profiles=in_zone("America/New_York"))
    assert due == datetime(2017, 3, 12, 16, tzinfo=UTC)


def test_hours_are_elapsed_time_over_a_daylight_saving_change():
    noon_in_new_york = datetime(2017, 3, 11, 17, tzinfo=UTC)
    due = due_of(chain(wait("w", duration="PT24H")), noon_in_new_york, profiles=in_zone("America/New_York"))
    assert due == datetime(2017, 3, 12, 17, tzinfo=UTC)


def test_a_wall_time_that_does_not_exist_moves_forward_by_the_gap():
    half_past_two = datetime(2017, 3, 11, 7, 30, tzinfo=UTC)  # 02:30 in New York, which the next day lacks
    due = due_of(chain(wait("w", duration="P1D")), half_past_two, profiles=in_zone("America/New_York"))
    assert due == datetime(2017, 3, 12, 7, 30, tzinfo=UTC)  # 03:30 there


def test_a_wall_time_that_exists_twice_is_the_first():
    half_past_one = datetime(2017, 11, 4, 5, 30, tzinfo=UTC)  # 01:30 in New York, twice on the next day
    due = due_of(chain(wait("w", duration="P1D")), half_past_one, profiles=in_zone("America/New_York"))
    assert due == datetime(2017, 11, 5, 5, 30, tzinfo=UTC)


def test_the_zone_is_the_customers_else_the_journeys_else_utc():
    evening = datetime(2017, 3, 11, 17, tzinfo=UTC)
    document = chain(wait("w", duration="P1D"), timezone="America/New_York")
    assert due_of(document, evening) == datetime(2017, 3, 12, 16, tzinfo=UTC)
    assert due_of(document, evening, profiles=in_zone("Asia/Tokyo")) == evening + timedelta(days=1)
    assert due_of(chain(wait("w", duration="P1D")), evening) == evening + timedelta(days=1)


def test_an_unknown_zone_of_a_customer_counts_as_none():
    evening = datetime(2017, 3, 11, 17, tzinfo=UTC)
    document = chain(wait("w", duration="P1D"), timezone="America/New_York")
    assert due_of(document, evening, profiles=in_zone("Mars/Olympus")) == datetime(2017, 3, 12, 16, tzinfo=UTC)


def test_a_month_after_the_end_of_january_is_the_end_of_february():
    assert due_of(chain(wait("w", duration="P1M")), datetime(2017, 1, 31, 9, tzinfo=UTC)) == datetime(
        2017, 2, 28, 9, tzinfo=UTC
    )


def test_results_are_in_utc_whatever_the_zone_of_as_of():
    as_of = datetime(2017, 3, 1, 12, tzinfo=UTC).astimezone(__import__("zoneinfo").ZoneInfo("Asia/Tokyo"))
    result = run(chain(), [as_of])
    assert str(result.executions["entered_at"].dt.tz) == "UTC"
    assert only(result.executions)["entered_at"].to_pydatetime() == as_of


def test_a_run_without_a_time_zone_is_refused():
    with pytest.raises(JourneysError, match="time zone"):
        run(chain(), [datetime(2017, 3, 1)])  # noqa: DTZ001 - that is the point


def test_runs_out_of_order_are_refused():
    with pytest.raises(JourneysError, match="ascending"):
        run(chain(), [datetime(2017, 3, 2, tzinfo=UTC), datetime(2017, 3, 1, tzinfo=UTC)])


def test_each_run_uses_the_newest_snapshot_dated_on_or_before_its_utc_date():
    late_on_the_first_in_new_york = datetime(2017, 3, 2, 1, tzinfo=UTC)
    document = chain(entry={"rule": {"==": [{"var": "day"}, 2]}})
    frame = features(dates=["2017-03-01", "2017-03-02", "2017-03-03"], day=0)
    frame["day"] = [1, 2, 3]
    assert len(run(document, [late_on_the_first_in_new_york], features=frame).executions) == 1
