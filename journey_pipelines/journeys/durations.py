"""ISO 8601 durations, kept in the three units that calendars cannot convert into one another."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Self

from journey_pipelines.errors import JourneysError

LONGEST_YEARS: Final = 1000

_UNITS: Final = re.compile(
    r"(?P<sign>[+-]?)P(?=[0-9T])"
    r"(?:(?P<years>[0-9]+)Y)?(?:(?P<months>[0-9]+)M)?(?:(?P<weeks>[0-9]+)W)?(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]+(?:[.,][0-9]+)?)H)?"
    r"(?:(?P<minutes>[0-9]+(?:[.,][0-9]+)?)M)?(?:(?P<seconds>[0-9]+(?:[.,][0-9]+)?)S)?)?",
    re.ASCII,
)
_LONGEST_TEXT: Final = 60


class DurationError(JourneysError, ValueError):
    """A text that is no duration."""


@dataclass(frozen=True)
class Duration:
    """Calendar months and days, and elapsed seconds; all of one sign. Weeks are 7 days, years 12 months."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read ISO 8601 text such as `P1DT6H`, `P2W` or `-P3D`.

        Raises DurationError for anything else, for fractions of a calendar unit or of a second, and for more than
        1,000 years.
        """
        match = _UNITS.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST_TEXT else None
        if match is None:
            raise DurationError(
                f"{_shown(text)} is not a duration; write ISO 8601 such as P1D, PT6H or P1M (fractions only of hours, "
                "minutes and seconds)"
            )
        sign = -1 if match["sign"] == "-" else 1
        duration = cls(
            months=sign * (12 * int(match["years"] or 0) + int(match["months"] or 0)),
            days=sign * (7 * int(match["weeks"] or 0) + int(match["days"] or 0)),
            seconds=sign * _seconds(match, str(text)),
        )
        if abs(duration.approximate_days) > LONGEST_YEARS * 365.25:
            raise DurationError(f"{_shown(text)} is longer than {LONGEST_YEARS:,} years; write a shorter duration")
        return duration

    @property
    def is_elapsed(self) -> bool:
        """Whether it has no calendar part, so that no time zone matters."""
        return self.months == 0 and self.days == 0

    @property
    def is_negative(self) -> bool:
        """Whether it points into the past."""
        return min(self.months, self.days, self.seconds) < 0

    @property
    def is_zero(self) -> bool:
        """Whether it takes no time."""
        return self.is_elapsed and self.seconds == 0

    @property
    def approximate_days(self) -> float:
        """For comparing lengths only: a month counts as a twelfth of 365.25 days."""
        return self.months * 30.4375 + self.days + self.seconds / 86_400

    def __neg__(self) -> "Duration":
        return Duration(-self.months, -self.days, -self.seconds)

    def __str__(self) -> str:
        if self.is_zero:
            return "PT0S"
        years, months = divmod(abs(self.months), 12)
        hours, rest = divmod(abs(self.seconds), 3600)
        minutes, seconds = divmod(rest, 60)
        date = _written(years, "Y") + _written(months, "M") + _written(abs(self.days), "D")
        time = _written(hours, "H") + _written(minutes, "M") + _written(seconds, "S")
        return f"{'-' if self.is_negative else ''}P{date}{'T' if time else ''}{time}"


def _seconds(match: re.Match[str], text: str) -> int:
    units = {"hours": 3600, "minutes": 60, "seconds": 1}
    total = sum(Fraction((match[unit] or "0").replace(",", ".")) * size for unit, size in units.items())
    if Fraction(total).denominator != 1:
        raise DurationError(f"{_shown(text)} has a fraction of a second; write whole seconds")
    return int(total)


def _written(number: int, unit: str) -> str:
    return f"{number}{unit}" if number else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


NOTHING: Final = Duration()
ONE_HOUR: Final = Duration(seconds=3600)
