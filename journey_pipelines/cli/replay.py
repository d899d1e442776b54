"""`journeys replay`."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import click

from journey_pipelines.cli.documents import document_of, with_changes
from journey_pipelines.cli.inputs import DAY, days_between
from journey_pipelines.cli.installation import installation, readings
from journey_pipelines.cli.replay_output import as_data, as_text, comparison_as_data, comparison_as_text
from journey_pipelines.cli.replay_walks import Walks
from journey_pipelines.errors import JourneysError
from journey_pipelines.reading import Readings
from journey_pipelines.replay import Kept, ResponseModel, Walked, compare


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
@click.argument("journeys", metavar="JOURNEY...", nargs=-1, required=True)
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
    journeys: tuple[str, ...],
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

    Its newest published version is walked, or else the document in `journeys/`. Several are walked each as if it were
    alone, side by side.
    """
    parts = readings()
    walks = Walks(parts, days_between(first, last), response_of(failing, learn=learn))
    documents = [document_of(name, parts) for name in journeys]
    if len(documents) > 1 and (against is not None or changes):
        raise click.UsageError("--against and --set compare one journey; name one, or leave them out")
    if len({document["key"] for document in documents}) < len(documents):
        raise click.UsageError("a journey is named twice; name each once")
    other = _other(documents[0], against, changes, parts)
    if build:
        walks.build()
    if len(documents) > 1:
        _show_several(walks.apart(documents, keeps=out is not None), out, as_json=as_json)
    elif other is None:
        _show_one(walks.one(documents[0], keeps=out is not None), out, as_json=as_json)
    else:
        first_walk, second_walk = walks.one(documents[0], keeps=True), walks.one(other, keeps=True)
        _show_comparison(first_walk, second_walk, walks, out, as_json=as_json)


def _show_one(one: Walked, out: Path | None, *, as_json: bool) -> None:
    _write(one.kept, out)
    click.echo(json.dumps(as_data(one.replayed), indent=2) if as_json else as_text(one.replayed))


def _show_several(found: Sequence[Walked], out: Path | None, *, as_json: bool) -> None:
    for one in found:
        _write(one.kept, None if out is None else out / one.journey.key)
    if as_json:
        click.echo(json.dumps({one.journey.key: as_data(one.replayed) for one in found}, indent=2))
    else:
        click.echo("\n\n".join(as_text(one.replayed) for one in found))


def _show_comparison(one: Walked, two: Walked, walks: Walks, out: Path | None, *, as_json: bool) -> None:
    _write(one.kept, None if out is None else out / "first")
    _write(two.kept, None if out is None else out / "second")
    compared = compare(one, two, walks.past)
    if as_json:
        figures = {"first": as_data(one.replayed), "second": as_data(two.replayed)}
        click.echo(json.dumps({**figures, **comparison_as_data(compared)}, indent=2, default=str))
    else:
        click.echo(comparison_as_text(compared))


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


def _write(kept: Kept, out: Path | None) -> None:
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in ("executions", "transitions", "dispatches", "points_transactions"):
            rows = kept.table(name)
            texts = {column: rows[column].map(json.dumps) for column in rows if rows[column].dtype == object}
            rows.assign(**texts).to_parquet(out / f"{name}.parquet", index=False)
    except OSError as error:
        raise JourneysError(f"the rows cannot be written to {out} ({error.strerror}); choose another folder") from error


COMMANDS: Final[Mapping[str, click.Command]] = {"replay": replay}
