"""Bands: a run that lets far more or fewer enter, or sends far more or less, than was forecast is held."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from journey_pipelines.engine.bands import ENTRANTS, Band, Forecast, band_of, weekly_bands
from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.errors import StoreError
from journey_pipelines.store.memory import MemoryStore
from tests.behaviour.builders import MARCH, action, chain, days, features, segments, wait
from tests.behaviour.passes import PUBLISHED_AT, Passes

JOINS = chain(action("hello"), entry={"segment": "loyal", "on": "join"})
MANY = Band(0, 200)
PEOPLE = [f"c{number:03d}" for number in range(100)]
FORECAST = Forecast("test", 1, date(2017, 2, 1), date(2017, 2, 28), "abc", {}, PUBLISHED_AT)


def forecast(entrants: Band, sends: Band = MANY, version: int = 1) -> Forecast:
    bands = {ENTRANTS: [entrants] * 7, "send_sms": [sends] * 7}
    return replace(FORECAST, version=version, bands=bands)


def joining(store: JourneyStore, *sizes: int) -> Passes:
    """A journey whose segment has so many members at the end of each day."""
    dates = [at.date().isoformat() for at in days(len(sizes))]
    members = segments({day: PEOPLE[:size] for day, size in zip(dates, sizes, strict=True)})
    return Passes(store, JOINS, features=features(PEOPLE, dates=dates), segments=members)


def save(passes: Passes, made: Forecast) -> None:
    with passes.store.transaction() as transaction:
        transaction.save_forecast(made)


def test_a_run_that_lets_more_enter_than_forecast_is_held_with_the_figures() -> None:
    passes = joining(MemoryStore(), 10, 30)
    save(passes, forecast(Band(2, 12)))
    passes.run(MARCH)
    report = passes.run(days(2)[1])
    assert "let 20 enter, expected were 2 to 12 for a Thursday" in report.held["test"]
    assert "version 1 over 2017-02-01 to 2017-02-28" in report.held["test"]
    assert len(passes.read("executions")) == 0
    [entrants, *_] = report.figures["test"]
    assert (entrants.what, entrants.found, entrants.band, entrants.is_outside) == (ENTRANTS, 20, Band(2, 12), True)


def test_a_run_that_lets_fewer_enter_than_forecast_is_held() -> None:
    passes = joining(MemoryStore(), 10, 11)
    save(passes, forecast(Band(2, 12)))
    passes.run(MARCH)
    assert "let 1 enter" in passes.run(days(2)[1]).held["test"]


def test_a_run_inside_the_band_goes_on_and_reports_its_figures() -> None:
    passes = joining(MemoryStore(), 10, 15)
    save(passes, forecast(Band(2, 12), Band(2, 12)))
    passes.run(MARCH)
    report = passes.run(days(2)[1])
    assert not report.held
    assert [(figure.what, figure.found) for figure in report.figures["test"]] == [(ENTRANTS, 5), ("send_sms", 5)]
    assert len(passes.read("dispatches", status="sent")) == 5


def test_a_run_that_would_send_more_than_forecast_is_held_before_anybody_enters() -> None:
    passes = joining(MemoryStore(), 10, 30)
    save(passes, forecast(Band(0, 50), Band(0, 12)))
    passes.run(MARCH)
    assert "send sms to 20, expected were 0 to 12" in passes.run(days(2)[1]).held["test"]
    assert len(passes.read("dispatches")) == 0


def test_an_approval_lets_it_go() -> None:
    passes = joining(MemoryStore(), 10, 30)
    save(passes, forecast(Band(2, 12)))
    passes.run(MARCH)
    held = passes.run(days(2)[1])
    with passes.store.transaction() as transaction:
        assert transaction.approve(held.run.run_id, at=MARCH) == ["test"]
    report = passes.run(days(2)[1])
    assert report.entered == {"test": 20}
    assert report.figures["test"][0].is_outside


def test_a_second_run_on_a_day_is_not_held_for_what_came_in_the_first() -> None:
    passes = joining(MemoryStore(), 10, 15)
    save(passes, forecast(Band(2, 12)))
    passes.run(*days(2))
    assert not passes.run(days(2)[1] + timedelta(hours=1)).held


def test_after_a_gap_the_bands_of_its_days_are_added_up() -> None:
    passes = joining(MemoryStore(), 10, 10, 30)
    save(passes, forecast(Band(2, 12)))
    passes.run(MARCH)
    report = passes.run(days(3)[2])
    assert report.entered == {"test": 20}
    assert (report.figures["test"][0].band, report.figures["test"][0].when) == (
        Band(4, 24),
        "the 2 days since the run before",
    )


def test_the_first_run_of_all_is_judged_by_the_upper_end_alone() -> None:
    passes = joining(MemoryStore(), 10)
    save(passes, forecast(Band(2, 12)))
    assert not passes.run(MARCH).held


def test_a_forecast_says_nothing_any_more_once_another_version_is_published() -> None:
    passes = joining(MemoryStore(), 10, 40)
    save(passes, forecast(Band(2, 12)))
    passes.run(MARCH)
    passes.publish({**JOINS, "name": "Another"})
    report = passes.run(days(2)[1])
    assert report.entered == {"test": 30}
    assert report.figures == {}


def test_sends_to_people_of_older_versions_are_not_held_against_the_newest() -> None:
    document = chain(wait("w", duration="P1D"), action("hello"), entry={"segment": "loyal", "include_existing": True})
    members = segments(dict.fromkeys(("2017-03-01", "2017-03-02"), PEOPLE))
    passes = Passes(MemoryStore(), document, features=features(PEOPLE), segments=members)
    passes.run(MARCH)
    passes.publish({**document, "name": "Another"})
    save(passes, forecast(Band(0, 5), Band(0, 5), version=2))
    assert not passes.run(days(2)[1]).held
    assert len(passes.read("dispatches", status="sent")) == 100


def test_advances_look_at_no_band() -> None:
    passes = joining(MemoryStore(), 10, 30)
    save(passes, forecast(Band(2, 12)))
    passes.run(MARCH)
    assert not passes.advance(days(2)[1]).held


def test_both_stores_keep_forecasts_by_version(store: JourneyStore) -> None:
    passes = Passes(store, JOINS)
    first, second = forecast(Band(2, 12)), forecast(Band(3, 4), Band(0, 9))
    save(passes, first)
    save(passes, second)
    with store.transaction() as transaction:
        assert transaction.forecasts("test") == [second]
        assert transaction.forecasts("other") == []
    with pytest.raises(StoreError, match="has no version 7"):
        save(passes, replace(first, version=7))


def test_a_band_is_as_wide_as_chance_at_least() -> None:
    assert band_of([100] * 5) == Band(70, 130)
    assert band_of([0] * 5) == Band(0, 3)
    assert band_of([10_000] * 5) == Band(8_000, 12_000)


def test_one_wild_day_does_not_move_a_band() -> None:
    assert band_of([20, 22, 19, 21, 300]) == Band(7, 35)


def test_a_weekday_that_was_seen_less_than_three_times_has_the_band_of_all_days() -> None:
    monday = date(2017, 3, 6)
    counts = {monday + timedelta(days=number): 100 if number % 7 == 0 else 10 for number in range(16)}
    bands = weekly_bands(counts)
    assert bands[0] == band_of([100, 100, 100])
    assert bands[3] == band_of(list(counts.values()))


def test_days_are_those_of_the_run_in_utc() -> None:
    assert FORECAST.expected("never seen", [date(2017, 3, 1)]) == Band(0, 3)
    assert datetime.fromisoformat("2017-03-01").weekday() == 2
    assert pd.Timestamp(MARCH).day_name() == "Wednesday"
