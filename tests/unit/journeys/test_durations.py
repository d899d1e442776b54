import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.durations import Duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P1D", Duration(days=1)),
        ("P2W", Duration(days=14)),
        ("P1Y2M", Duration(months=14)),
        ("PT6H", Duration(seconds=21_600)),
        ("P1DT6H", Duration(days=1, seconds=21_600)),
        ("PT1.5H", Duration(seconds=5_400)),
        ("PT0,5M", Duration(seconds=30)),
        ("-P3D", Duration(days=-3)),
        ("+P3D", Duration(days=3)),
        ("PT0S", Duration()),
        ("P0D", Duration()),
        ("PT24H", Duration(seconds=86_400)),
    ],
)
def test_iso_8601_is_read(text: str, duration: Duration) -> None:
    assert Duration.parse(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "1D",
        "P1.5D",
        "P0.5M",
        "P-1D",
        "p1d",
        "P1H",
        "PT1D",
        "P1D ",
        "P1S",
        "PT0.1S",
        "P٣D",
        "1 day",
    ],
)
def test_what_is_no_duration_is_an_error_that_shows_it(text: str) -> None:
    with pytest.raises(JourneysError) as caught:
        Duration.parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], {}, b"P1D"])
def test_what_is_no_text_is_an_error(value: object) -> None:
    with pytest.raises(JourneysError, match="is not a duration"):
        Duration.parse(value)


@pytest.mark.parametrize("text", ["P9999999Y", "P1001Y", f"P{'9' * 40}D", f"P{'9' * 5000}D"])
def test_a_duration_beyond_all_reason_is_an_error(text: str) -> None:
    with pytest.raises(JourneysError) as caught:
        Duration.parse(text)
    assert len(str(caught.value)) < 250


@given(st.integers(0, 11_000), st.integers(0, 10_000), st.integers(0, 10**9), st.sampled_from([1, -1]))
def test_the_text_of_a_duration_reads_as_the_same(months: int, days: int, seconds: int, sign: int) -> None:
    duration = Duration(sign * months, sign * days, sign * seconds)
    assert Duration.parse(str(duration)) == duration


def test_the_text_is_canonical() -> None:
    assert str(Duration.parse("P2W")) == "P14D"
    assert str(Duration.parse("PT90M")) == "PT1H30M"
    assert str(Duration.parse("-P1DT1S")) == "-P1DT1S"
    assert str(Duration()) == "PT0S"


def test_a_negated_duration_points_the_other_way() -> None:
    assert -Duration.parse("P1DT1H") == Duration.parse("-P1DT1H")
    assert Duration.parse("-P1D").is_negative


def test_hours_are_elapsed_and_days_are_not() -> None:
    assert Duration.parse("PT24H").is_elapsed
    assert not Duration.parse("P1D").is_elapsed
