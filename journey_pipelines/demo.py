"""`make run`: walk the sample's shoppers through two journeys, day by day, through real Dagster runs.

Can be killed at any moment and run again: days that are done are passed over, the one it was killed in is repeated,
and nobody enters, moves or is sent to twice. What is done is read from the journey store.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final

import click
import pandas as pd

from journey_pipelines.cli.failures import sentences
from journey_pipelines.cli.output import count_of, table
from journey_pipelines.composition import Installation
from journey_pipelines.dagster_home import dagster_environment
from journey_pipelines.errors import StoreError
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.sample import ensure_sample_warehouse
from journey_pipelines.snapshots.days import end_of_day
from journey_pipelines.store.locks import exclusive_if_free

FIRST_DAY: Final = datetime(2017, 3, 1, tzinfo=UTC)
DAYS: Final = 30
DOCUMENTS: Final = ("welcome.yaml", "retention.yaml")
NEXT: Final = (
    "Next: `make dev` shows the assets and their runs in Dagster's UI, `.venv/bin/journeys status` the journeys, "
    "and `.venv/bin/journeys explain CUSTOMER` the way of one customer."
)
KINDS_OF_A_DAY: Final = ("run", "dispatch")


@click.command()
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), default=FIRST_DAY, help="First day, of 2017.")
@click.option("--days", type=click.IntRange(1, 365), default=DAYS, show_default=True, help="How many days.")
@click.option("--quiet", is_flag=True, help="Only the summary.")
def demo(first: datetime, days: int, *, quiet: bool) -> None:
    """Run consecutive days of 2017 for the journeys `welcome` and `retention`, then sum up."""
    with sentences():
        installation = Installation.from_environment(os.environ, working_directory=Path.cwd())
        chosen = [first.date() + timedelta(days=number) for number in range(days)]
        state = installation.settings.state
        state.mkdir(parents=True, exist_ok=True)
        with exclusive_if_free(state / "demo.lock") as lock:
            if lock is None:
                raise StoreError("the main job runs in this project already; wait until it has ended")
            _walk(installation, chosen, say=_silent if quiet else click.echo)
        click.echo(summary(installation, chosen))


def _walk(installation: Installation, days: Sequence[date], *, say: Any) -> None:
    _prepare(installation, say=say)
    # importing Dagster takes seconds, in which nothing would be said
    from journey_pipelines.definitions import runs_in_process

    environment = dagster_environment(installation.settings)
    os.environ.update(environment)
    done = finished_days(installation, days)
    if done:
        say(f"{count_of(len(done), 'day')} of {len(days)} done before; going on.")
    with runs_in_process(Path(environment["DAGSTER_HOME"])) as runs:
        runs.bury_dead()
        say(f"Running {count_of(len(days) - len(done), 'day')} in Dagster.")
        for day in days:
            if day in done:
                continue
            began = monotonic()
            failed = (*runs.run_day(day).failed_checks, *runs.dispatch(end_of_day(day)).failed_checks)
            say(f"{day}  {_figures_of(installation, day)}  ({monotonic() - began:.1f} s)")
            for check in failed:
                say(f"            check failed: {check}")
        runs.measure()


def _prepare(installation: Installation, *, say: Any) -> None:
    """Database, sample warehouse, published journeys; each only where it is missing."""
    settings = installation.settings
    say("Database ...")
    with installation.store.transaction():
        pass
    sample = settings.sample_warehouse
    if sample is not None:
        ensure_sample_warehouse(
            sample, progress=lambda what, done, total: say(f"Sample warehouse: {what} {done}/{total}")
        )
    for name in DOCUMENTS:
        journey = compile_journey(settings.journeys / name, installation.full_catalog)
        with installation.store.transaction() as transaction:
            version = transaction.publish(journey.document, at=datetime.now(UTC))
        say(f"Journey {journey.key}: version {version}")


def finished_days(installation: Installation, days: Sequence[date]) -> set[date]:
    """Those of the days that were run and dispatched, as the store's closed runs tell."""
    with installation.store.transaction() as transaction:
        runs = transaction.read("runs", is_closed=True)
    closed = {kind: set(rows["as_of"]) for kind, rows in runs.groupby("kind")}
    ends = {day: pd.Timestamp(end_of_day(day)) for day in days}
    return {day for day, end in ends.items() if all(end in closed.get(kind, ()) for kind in KINDS_OF_A_DAY)}


def _figures_of(installation: Installation, day: date) -> str:
    with installation.store.transaction() as transaction:
        runs = transaction.read("runs", as_of=end_of_day(day), is_closed=True)
    figures: list[Mapping[str, Any]] = runs["summary"].tolist()
    entered = sum(sum(one["entered"].values()) for one in figures)
    return f"entered {entered:4}  moved {sum(one['moved'] for one in figures):4}  sent {_dispatched(figures):4}"


def _dispatched(figures: Sequence[Mapping[str, Any]]) -> int:
    return sum(one["dispatched"] for one in figures)


def summary(installation: Installation, days: Sequence[date]) -> str:
    """What the store holds now, as text for people."""
    with installation.store.transaction() as transaction:
        executions = transaction.status_counts().groupby(["journey_key", "state"], as_index=False)["count"].sum()
        dispatches = transaction.dispatch_counts()
    done = finished_days(installation, days)
    lines = [
        f"Partitions run: {len(done)} of {len(days)} ({days[0]} to {days[-1]})",
        "",
        _table(executions, ["journey", "state", "executions"]),
        "",
        _table(dispatches, ["journey", "action", "status", "dispatches"]),
        "",
        f"Messages as files: {installation.settings.outbox}",
        NEXT,
    ]
    return "\n".join(lines)


def _table(frame: pd.DataFrame, headers: Sequence[str]) -> str:
    return table(headers, frame.astype(object).to_numpy().tolist())


def _silent(_text: str) -> None:
    """Say nothing."""


if __name__ == "__main__":
    demo()
