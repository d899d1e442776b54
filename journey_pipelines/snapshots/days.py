"""What a daily partition means in time."""

from datetime import UTC, date, datetime, time, timedelta


def end_of_day(day: date) -> datetime:
    """The last instant of the day in UTC: the `as_of` of its partition."""
    return datetime.combine(day, time.max, tzinfo=UTC)


def end_of_day_before(day: date) -> datetime:
    """The `as_of` of the partition before: where the day's events begin (exclusive)."""
    return end_of_day(day - timedelta(days=1))
