"""`journeys replay`."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import click
import pandas as pd

from journey_pipelines.cli.documents import document_of, with_changes
from journey_pipelines.cli.inputs import DAY
from journey_pipelines.cli.installation import installation, readings
from journey_pipelines.cli.output import count_of, progress_bar, table
from journey_pipelines.errors import JourneysError
from journey_pipelines.live import prepare_day
from journey_pipelines.reading import Readings
from journey_pipelines.replay import Kept, PartitionDays, Replayed, ResponseModel
from journey_pipelines.replay import replay as walk

NONE: Final = "-"


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
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PATH=VALUE",
    help="Walk it with this changed, such as nodes.bonus.config.points=200.",
)
@click.option("--build", is_flag=True, help="Build the snapshots that are missing.")
@click.option(
    "--failing", type=Share(), multiple=True, help="How many dispatches of an action type fail; by default none."
)
@click.option("--learn", is_flag=True, help="As many fail as did in the store so far.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write the rows there, as Parquet.")
@click.option("--json", "as_json", is_flag=True)
def replay(
    journey: str,
    first: date,
    last: date,
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
    document = with_changes(document_of(journey, parts), changes)
    chosen = days_between(first, last)
    past = PartitionDays(parts.snapshots, parts.warehouse.segments())
    if build:
        _build(parts, past, chosen)
    kept = Kept() if out is not None else None
    with progress_bar(f"Replay of {document['key']}") as progress:
        replayed = walk(
            [document],
            chosen,
            past,
            actions=parts.actions,
            response=response_of(failing, learn=learn),
            policy=parts.policy,
            history=kept,
            progress=lambda day, done, total: progress(str(day), done, total),
        )
    if out is not None and kept is not None:
        _write(kept, replayed, out)
    click.echo(json.dumps(as_data(replayed), indent=2) if as_json else as_text(replayed))


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


def as_data(replayed: Replayed) -> dict[str, Any]:
    """The figures as JSON."""
    digest = replayed.digest
    return {
        "from": str(replayed.days[0]),
        "to": str(replayed.days[-1]),
        "days": len(replayed.days),
        "hash": replayed.hash,
        "entered": dict(replayed.entered),
        "flow": _records(digest.flow),
        "standing": _records(digest.standing),
        "ended": _records(digest.ends),
        "sends": _records(digest.sends),
        "points": digest.points,
        "held": {key: {str(day): reason for day, reason in by_day.items()} for key, by_day in replayed.held.items()},
        "rows": digest.rows,
        "customer_days": replayed.customer_days,
        "seconds": round(replayed.seconds, 3),
        "rows_per_second": round(replayed.rows_per_second),
    }


def as_text(replayed: Replayed) -> str:
    """The figures for people."""
    digest = replayed.digest
    span = f"{replayed.days[0]} to {replayed.days[-1]}"
    lines = [
        f"Replayed {count_of(len(replayed.days), 'day')}, {span}: {_counts(replayed.entered) or 'nobody entered'}."
    ]
    flow = [(*_shown(index), int(count)) for index, count in digest.flow.items()]
    lines += ["", table(["journey", "node", "branch", "passed"], flow)] if flow else []
    standing = [(*_shown(index), int(count)) for index, count in digest.standing.items()]
    lines += ["", table(["journey", "stands at", "customers"], standing)] if standing else []
    by_status = digest.sends.groupby(["journey_key", "action_type", "status"]).sum()
    sends = [(*_shown(index), int(count)) for index, count in by_status.items()]
    lines += ["", table(["journey", "action", "status", "dispatches"], sends)] if sends else []
    lines += [f"{reason or 'Points'}: {count_of(points, 'point')}" for reason, points in sorted(digest.points.items())]
    for key, by_day in sorted(replayed.held.items()):
        lines.append(f"{key} was held on {count_of(len(by_day), 'day')}, first on {min(by_day)}: {by_day[min(by_day)]}")
    rate = f"{replayed.customer_days:,} customers and days in {replayed.seconds:.1f} s"
    return "\n".join([*lines, "", f"{rate}; hash {replayed.hash}"])


def _build(parts: Readings, past: PartitionDays, days: Sequence[date]) -> None:
    missing = sorted({day for day, _ in past.missing(days)})
    with progress_bar("Snapshots") as progress:
        for number, day in enumerate(missing):
            progress(str(day), number, len(missing))
            prepare_day(parts, day)


def _write(kept: Kept, replayed: Replayed, out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in replayed.digest.rows:
            rows = kept.table(name)
            texts = {column: rows[column].map(json.dumps) for column in rows if rows[column].dtype == object}
            rows.assign(**texts).to_parquet(out / f"{name}.parquet", index=False)
    except OSError as error:
        raise JourneysError(f"the rows cannot be written to {out} ({error.strerror}); choose another folder") from error


def _records(counts: pd.Series) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = counts.rename("count").reset_index().to_dict("records")
    return records


def _shown(index: Any) -> list[str]:
    return [str(part) or NONE for part in index]


def _counts(entered: Mapping[str, int]) -> str:
    return ", ".join(f"{count_of(count, 'customer')} entered {key}" for key, count in sorted(entered.items()))


COMMANDS: Final[Mapping[str, click.Command]] = {"replay": replay}
