"""Bands: how many entrants and messages a day is expected to bring, by weekday, and what a run makes of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil, floor, sqrt
from statistics import median
from typing import Final

ENTRANTS: Final = "entrants"
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ENOUGH_DAYS: Final = 3  # a weekday that was seen less often has the band of all days
MAD_TO_DEVIATION: Final = 1.4826  # of a normal distribution
DEVIATIONS: Final = 3
RELATIVE_FLOOR: Final = 0.2  # of the median
LEAST_WIDTH: Final = 3.0


@dataclass(frozen=True)
class Band:
    """Both ends belong to it."""

    low: int
    high: int

    def __add__(self, other: "Band") -> "Band":
        """What both together may come to."""
        return Band(self.low + other.low, self.high + other.high)

    def __str__(self) -> str:
        return f"{self.low:,} to {self.high:,}"


@dataclass(frozen=True)
class Forecast:
    """The bands of one version of a journey, and the replay that they come from.

    `bands` has seven of them, Monday first, for `entrants` and for each action type whose messages were counted.
    """

    journey_key: str
    version: int
    first_day: date
    last_day: date
    replay_hash: str
    bands: Mapping[str, Sequence[Band]]
    saved_at: datetime | None = None

    def expected(self, what: str, days: Sequence[date]) -> Band:
        """The band of these days together; nothing at all where the replay never had any."""
        bands = self.bands.get(what) or [Band(0, ceil(LEAST_WIDTH))] * len(WEEKDAYS)
        return sum((bands[day.weekday()] for day in days), Band(0, 0))

    @property
    def origin(self) -> str:
        """Which replay it comes from, in words."""
        return f"the replay of version {self.version} over {self.first_day} to {self.last_day}, {self.replay_hash[:12]}"


@dataclass(frozen=True)
class Figure:
    """What a run would do, beside what was expected of it."""

    what: str  # `entrants`, or an action type
    found: int
    band: Band
    days: Sequence[date]  # since the run before
    is_low_judged: bool = True

    @property
    def is_outside(self) -> bool:
        """Whether it leaves the band."""
        return self.found > self.band.high or (self.is_low_judged and self.found < self.band.low)

    @property
    def when(self) -> str:
        """The weekday, or the days together."""
        if len(self.days) == 1:
            return f"a {WEEKDAYS[self.days[0].weekday()]}"
        return f"the {len(self.days)} days since the run before"


def band_of(counts: Sequence[int]) -> Band:
    """The band around the median of daily counts.

    Its half width is the greatest of: three deviations (1.4826 times the median absolute deviation), three roots of the
    median (the width of counts that come by chance alone, after Poisson), a fifth of the median, and 3.

    >>> band_of([20, 22, 19, 21, 300])
    Band(low=7, high=35)
    """
    middle = median(counts)
    deviation = MAD_TO_DEVIATION * median([abs(count - middle) for count in counts])
    half = max(DEVIATIONS * deviation, DEVIATIONS * sqrt(middle), RELATIVE_FLOOR * middle, LEAST_WIDTH)
    return Band(max(0, floor(middle - half)), ceil(middle + half))


def weekly_bands(counts: Mapping[date, int]) -> list[Band]:
    """The band of each weekday, Monday first; of all days where a weekday was seen fewer than three times."""
    by_weekday = [[count for day, count in counts.items() if day.weekday() == number] for number in range(7)]
    everything = list(counts.values())
    return [band_of(seen if len(seen) >= ENOUGH_DAYS else everything) for seen in by_weekday]


def judge(
    forecast: Forecast, found: Mapping[str, int], *, as_of: datetime, accepted_at: datetime | None
) -> list[Figure]:
    """What a run would do beside the bands of the days since the journey's last accepted run.

    A second run on one day, and the first one of all, are judged by the upper end alone: what they lack came
    earlier, or nobody can be new yet.
    """
    is_first_of_day = accepted_at is not None and accepted_at.date() < as_of.date()
    start = accepted_at.date() if accepted_at is not None and is_first_of_day else as_of.date() - timedelta(days=1)
    days = [start + timedelta(days=number + 1) for number in range((as_of.date() - start).days)]
    names = [ENTRANTS, *sorted({*forecast.bands, *found} - {ENTRANTS})]
    return [
        Figure(name, found.get(name, 0), forecast.expected(name, days), days, is_low_judged=is_first_of_day)
        for name in names
    ]


def outside(forecast: Forecast, figures: Iterable[Figure]) -> str | None:
    """Why a run is held, with the figures; None where all lie in their bands."""
    left = [
        f"this run would {_deed(figure)}, expected were {figure.band} for {figure.when}"
        for figure in figures
        if figure.is_outside
    ]
    return f"outside_band: {'; '.join(left)} ({forecast.origin})" if left else None


def _deed(figure: Figure) -> str:
    if figure.what == ENTRANTS:
        return f"let {figure.found:,} enter"
    return f"{figure.what.replace('_', ' ', 1)} to {figure.found:,}"
