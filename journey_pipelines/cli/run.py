"""`journeys run` and `journeys advance`."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

import click

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.inputs import DAY, PAST_INSTANT
from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import count_of, instant, progress_bar
from journey_pipelines.engine.passes import Report
from journey_pipelines.live import advance_due, run_whole_day


@click.command()
@click.option("--date", "day", type=DAY, required=True, help="The day whose snapshots and events to run on.")
@click.option("--as-of", type=PAST_INSTANT, help="The time to stand for; by default the day's last instant in UTC.")
def run(day: date, as_of: datetime | None) -> None:
    """Run one day: build the snapshots that are missing, take in its events, let customers enter, move and deliver.

    Running a day again adds and sends nothing more.
    """
    if as_of is not None and as_of.astimezone(UTC).date() < day:
        raise click.BadParameter(
            f"{instant(as_of)} lies before the day {day}; choose that day or later", param_hint="--as-of"
        )
    with progress_bar(f"Run of {day}") as progress:
        report = run_whole_day(installation(), day, as_of=as_of, progress=progress)
    _show(report)
    if not (report.entered or report.held or report.superseded):
        click.echo("No journey is live, so nobody could enter. Publish one with: journeys publish FILE")


@click.command()
@click.option("--as-of", type=PAST_INSTANT, help="The time to stand for; by default the current time.")
def advance(as_of: datetime | None) -> None:
    """Move and deliver whatever is due, over the newest snapshots; nobody enters."""
    _show(advance_due(installation(), as_of or now()))


def _show(report: Report) -> None:
    click.echo(f"Run {report.run.run_id} as of {instant(report.run.as_of)}")
    for key, entered in sorted(report.entered.items()):
        click.echo(f"  {key}: {count_of(entered, 'customer')} entered")
    click.echo(f"  {count_of(report.moved, 'move')}, {count_of(report.dispatched, 'dispatch', 'dispatches')}")
    for key in report.superseded:
        click.echo(f"  {key}: untouched, a later day has been run already")
    for key, reason in sorted(report.held.items()):
        click.echo(f"  {key} is held: {reason}")
    if report.held:
        click.echo(f"If that is right, release with: journeys approve {report.run.run_id}")


COMMANDS: Final[Mapping[str, click.Command]] = {"run": run, "advance": advance}
