"""How far back a store has to remember."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from journey_pipelines.errors import JourneysError

LEAST_DAYS: Final = 2
"""A frequency cap counts what left in a local day, which may have begun 25 hours ago."""


def horizon(as_of: datetime, days: int) -> date:
    """The first day (UTC) of which everything is kept, so many days before that of `as_of`.

    Raises JourneysError for fewer than LEAST_DAYS.

    >>> horizon(datetime(2017, 3, 31, 12, tzinfo=UTC), 30)
    datetime.date(2017, 3, 1)
    """
    if days < LEAST_DAYS:
        raise JourneysError(
            f"history of {days} day(s) was to be kept; frequency caps look back over the last {LEAST_DAYS}: "
            f"keep {LEAST_DAYS} days or more"
        )
    return as_of.astimezone(UTC).date() - timedelta(days=days)
