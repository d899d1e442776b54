"""`journeys forecast`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

import click

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.documents import document_of
from journey_pipelines.cli.inputs import DAY, days_between
from journey_pipelines.cli.installation import installation, readings
from journey_pipelines.cli.output import table
from journey_pipelines.cli.replay_walks import Walks
from journey_pipelines.engine.bands import WEEKDAYS, Forecast
from journey_pipelines.engine.ports import StoredVersion
from journey_pipelines.errors import JourneysError, NotFoundError
from journey_pipelines.replay import ALL_SUCCEED, DailyCounts
from journey_pipelines.replay import forecast as make_forecast


@click.command()
@click.argument("journey")
@click.option("--from", "first", type=DAY, required=True, help="The first day.")
@click.option("--to", "last", type=DAY, required=True, help="The last day.")
@click.option("--warm-up", type=click.IntRange(0), default=1, show_default=True, help="Days that are not counted.")
@click.option("--build", is_flag=True, help="Build the snapshots that are missing.")
@click.option("--save", is_flag=True, help="Hold the runs that leave these bands.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def forecast(journey: str, first: date, last: date, warm_up: int, *, build: bool, save: bool, as_json: bool) -> None:
    """Say how many a day is expected to let enter, and how many messages it sends, by weekday.

    The journey's newest version is walked over these past days, as by `journeys replay`.
    """
    version = _newest(journey)
    made, counts = _walked(version, first, last, warm_up, build=build)
    if save:
        made = replace(made, saved_at=now())
        installation().store.transact(lambda transaction: transaction.save_forecast(made))
    click.echo(json.dumps(_as_data(made, counts), indent=2) if as_json else _as_text(made, counts))


def _newest(key: str) -> StoredVersion:
    with installation().store.transaction() as transaction:
        versions = transaction.versions(key)
    if not versions:
        raise NotFoundError(f"journey {key} is not published, and a forecast is one of a version; publish it first")
    return versions[-1]


def _walked(
    version: StoredVersion, first: date, last: date, warm_up: int, *, build: bool
) -> tuple[Forecast, Mapping[str, Mapping[date, int]]]:
    """The forecast, and what was counted on its days."""
    parts = readings()
    days = days_between(first, last)
    walks = Walks(parts, days, ALL_SUCCEED)
    if build:
        walks.build()
    walked = walks.one(document_of(version.journey_key, parts, version=version.version), keeps=True)
    held = walked.replayed.held.get(version.journey_key, {})
    if held:
        day = min(held)
        raise JourneysError(
            f"the replay was held on {len(held)} of these days, first on {day}: {held[day]}; choose days "
            "without such a fault"
        )
    counts = DailyCounts([name for name, action in parts.actions.items() if action.is_message])
    for name in ("executions", "dispatches"):
        counts.take(name, walked.kept.table(name))
    replay_hash = walked.replayed.hash
    made = make_forecast(version.journey_key, version.version, counts, days, warm_up=warm_up, replay_hash=replay_hash)
    return made, counts.on(days[warm_up:])


def _outside(made: Forecast, counts: Mapping[str, Mapping[date, int]]) -> dict[str, list[date]]:
    """The replayed days that leave the bands themselves."""
    return {
        what: [day for day, count in by_day.items() if not week[day.weekday()].low <= count <= week[day.weekday()].high]
        for what, by_day in counts.items()
        for week in [made.bands[what]]
    }


def _as_data(made: Forecast, counts: Mapping[str, Mapping[date, int]]) -> dict[str, Any]:
    return {
        "journey": made.journey_key,
        "version": made.version,
        "from": str(made.first_day),
        "to": str(made.last_day),
        "hash": made.replay_hash,
        "is_saved": made.saved_at is not None,
        "bands": {
            what: {weekday: {"low": band.low, "high": band.high} for weekday, band in zip(WEEKDAYS, week, strict=True)}
            for what, week in made.bands.items()
        },
        "outside": {what: [str(day) for day in days] for what, days in _outside(made, counts).items()},
    }


def _as_text(made: Forecast, counts: Mapping[str, Mapping[date, int]]) -> str:
    rows = [(weekday, *(str(week[place]) for week in made.bands.values())) for place, weekday in enumerate(WEEKDAYS)]
    strays = [
        f"{len(days)} of {len(counts[what])} replayed days lie outside their band of {what}."
        for what, days in _outside(made, counts).items()
        if days
    ]
    name = f"{made.journey_key}, version {made.version}"
    until = "This holds until another version is published."
    told = (
        f"Saved: the first run of a day that leaves these bands is held until `journeys approve`. {until}"
        if made.saved_at is not None
        else "Not saved; with --save a run that leaves these bands is held."
    )
    head = f"A day of {name}, from its replay over {made.first_day} to {made.last_day} ({made.replay_hash[:12]}):"
    return "\n".join([head, "", table(["weekday", *made.bands], rows), "", *strays, told])


COMMANDS: Final[Mapping[str, click.Command]] = {"forecast": forecast}
