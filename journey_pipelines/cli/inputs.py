"""Types of arguments: dates, instants and JSON objects, each refused with what was expected."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import click

from journey_pipelines.cli.clock import now


class Day(click.ParamType[date]):
    """A calendar day, `YYYY-MM-DD`, that has ended in UTC."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read the text; fails for a day that does not exist or is not over."""
        try:
            day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            self.fail(f"{value!r} is no date; write one such as 2017-03-01", param, ctx)
        if day >= now().date():
            self.fail(f"the day {day} has not ended yet (UTC); run it when its data is complete", param, ctx)
        return day


class Instant(click.ParamType[datetime]):
    """An instant in ISO 8601; without an offset it is UTC, a date alone is its midnight."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read the text; fails for anything that is no instant."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(value)
            return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; write one such as 2017-03-01T09:00 (UTC) or with its offset", param, ctx)


class PastInstant(Instant):
    """An instant that is not in the future: nobody is moved before their time."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read the text; fails for anything that is no instant, and for the future."""
        instant = super().convert(value, param, ctx)
        if instant > now():
            self.fail(f"{instant.isoformat()} is in the future; a run cannot stand for it yet", param, ctx)
        return instant


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object, such as `{"amount": 100}`."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """Read the text; fails for anything that is no JSON object."""
        if isinstance(value, dict):
            return value
        try:
            found = json.loads(value, parse_constant=_refuse, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            self.fail(f'{_shown(value)} is not JSON ({error}); write an object such as {{"amount": 100}}', param, ctx)
        if not isinstance(found, dict):
            self.fail(f'{_shown(value)} is no JSON object; write one such as {{"amount": 100}}', param, ctx)
        return found


DAY: Final = Day()
INSTANT: Final = Instant()
PAST_INSTANT: Final = PastInstant()
JSON_OBJECT: Final = JsonObject()


def days_between(first: date, last: date) -> list[date]:
    """Both included. Raises BadParameter for a last day before the first."""
    if last < first:
        raise click.BadParameter(f"{last} lies before {first}; choose that day or later", param_hint="--to")
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 60 else f"{text[:60]!r}…"
