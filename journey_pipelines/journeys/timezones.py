"""Which time zones there are."""

from functools import cache
from zoneinfo import available_timezones


@cache
def known_timezones() -> frozenset[str]:
    """IANA names that this machine (or the tzdata package) knows; names differ in case only where IANA's do."""
    return frozenset(available_timezones())
