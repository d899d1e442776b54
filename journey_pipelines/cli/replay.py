"""`journeys replay`."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import click

from journey_pipelines.cli.documents import document_of, with_changes
from journey_pipelines.cli.inputs import DAY
from journey_pipelines.cli.installation import installation, readings
from journey_pipelines.cli.output import progress_bar
from journey_pipelines.cli.replay_output import as_data, as_text, comparison_as_data, comparison_as_text
from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.live import prepare_day
from journey_pipelines.reading import Readings
from journey_pipelines.replay import Kept, PartitionDays, ResponseModel, Walked, compare
from journey_pipelines.replay import replay as walk


class Share(click.ParamType[tuple[str, float]]):
    """`send_sms=0.02`."""

    name = "type=share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Read the text; fails for anything else."""
        name, _, share = str(value).partition("=")
        try:
            return name, float(share)
        except ValueError:
            self.fail(f"{value!r} is no share; write one such as send_sms=0.02", param, ctx)


@click.command()
@click.argument("journey")
@click.option("--from", "first", type=DAY, required=True, help="The first day.")
@click.option("--to", "last", type=DAY, required=True, help="The last day.")
@click.option("--against", metavar="FILE|VERSION", help="Compare it with this one.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PATH=VALUE",
    help="Compare it with itself (or --against) changed so, such as nodes.bonus.config.points=200.",
)
@click.option("--build", is_flag=True, help="Build the snapshots that are missing.")
@click.option("--failing", type=Share(), multiple=True, help="How many of an action type fail; by default none.")
@click.option("--learn", is_flag=True, help="As many fail as did in the store so far.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write the rows there, as Parquet.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
def replay(
    journey: str,
    first: date,
    last: date,
    against: str | None,
    changes: tuple[str, ...],
    failing: tuple[tuple[str, float], ...],
    out: Path | None,
    *,
    build: bool,
    learn: bool,
    as_json: bool,
) -> None:
    """Walk a journey (its key, or a file) over past days, as it would have gone then. Nothing is sent or stored.

    Its newest published version is walked, or else the document in `journeys/`.
    """
    parts = readings()
    walks = _Walks(parts, days_between(first, last), response_of(failing, learn=learn))
    document = document_of(journey, parts)
    other = _other(document, against, changes, parts)
    if build:
        walks.build()
    one = walks.walk(document, keeps=out is not None or other is not None)
    if out is not None:
        _write(one.kept, out / "first" if other is not None else out)
    if other is None:
        click.echo(json.dumps(as_data(one.replayed), indent=2) if as_json else as_text(one.replayed))
        return
    two = walks.walk(other, keeps=True)
    if out is not None:
        _write(two.kept, out / "second")
    compared = compare(one, two, walks.past)
    if as_json:
        figures = {"first": as_data(one.replayed), "second": as_data(two.replayed)}
        click.echo(json.dumps({**figures, **comparison_as_data(compared)}, indent=2, default=str))
    else:
        click.echo(comparison_as_text(compared))


class _Walks:
    """Replays over the same days."""

    def __init__(self, parts: Readings, days: Sequence[date], response: ResponseModel) -> None:
        self._parts = parts
        self._days = days
        self._response = response
        self.past = PartitionDays(parts.snapshots, parts.warehouse.segments())

    def build(self) -> None:
        missing = sorted({day for day, _ in self.past.missing(self._days)})
        with progress_bar("Snapshots") as progress:
            for number, day in enumerate(missing):
                progress(str(day), number, len(missing))
                prepare_day(self._parts, day)

    def walk(self, document: Mapping[str, Any], *, keeps: bool) -> Walked:
        kept = Kept()
        with progress_bar(f"Replay of {document['key']}") as progress:
            replayed = walk(
                [document],
                self._days,
                self.past,
                actions=self._parts.actions,
                response=self._response,
                policy=self._parts.policy,
                history=kept if keeps else None,
                progress=lambda day, done, total: progress(str(day), done, total),
            )
        return Walked(compile_journey(document, self._parts.catalog), replayed, kept)


def days_between(first: date, last: date) -> list[date]:
    """Both included. Raises BadParameter for a last day before the first."""
    if last < first:
        raise click.BadParameter(f"{last} lies before {first}; choose that day or later", param_hint="--to")
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def response_of(failing: Sequence[tuple[str, float]], *, learn: bool) -> ResponseModel:
    """The response model of these options."""
    if not learn:
        return ResponseModel(dict(failing))
    if failing:
        raise click.UsageError("--learn and --failing say the same thing twice; leave one of them out")
    with installation().store.transaction() as transaction:
        return ResponseModel.learnt(transaction.dispatch_counts())


def _other(
    document: Mapping[str, Any], against: str | None, changes: Sequence[str], parts: Readings
) -> Mapping[str, Any] | None:
    if against is None:
        return with_changes(document, changes) if changes else None
    if against.isdigit():
        found = document_of(str(document["key"]), parts, version=int(against))
    else:
        found = document_of(against, parts)
    return with_changes(found, changes)


def _write(kept: Kept, out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in ("executions", "transitions", "dispatches", "points_transactions"):
            rows = kept.table(name)
            texts = {column: rows[column].map(json.dumps) for column in rows if rows[column].dtype == object}
            rows.assign(**texts).to_parquet(out / f"{name}.parquet", index=False)
    except OSError as error:
        raise JourneysError(f"the rows cannot be written to {out} ({error.strerror}); choose another folder") from error


COMMANDS: Final[Mapping[str, click.Command]] = {"replay": replay}
