"""`journeys start`."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.inputs import INSTANT, JSON_OBJECT
from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import count_of, instant
from journey_pipelines.cli.standing import status_of
from journey_pipelines.cli.start_rows import check_context, one_start, starts_of_csv
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.errors import JourneysError


@click.command()
@click.argument("journey")
@click.argument("customer", required=False)
@click.option("--context", type=JSON_OBJECT, help="Data for the journey, with the keys that entry.context declares.")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="A file with a column customer_id.")
@click.option("--at", type=INSTANT, help="From when on; by default the current time.")
def start(
    journey: str, customer: str | None, context: dict[str, Any] | None, csv_path: Path | None, at: datetime | None
) -> None:
    """Start one CUSTOMER, or all of a CSV file, in a journey by hand.

    They enter with the next run that stands for that time or a later one. A CSV file has a column customer_id and may
    have a column at; its other columns are context. With a bad row in it nobody is started.
    """
    if (customer is None) == (csv_path is None):
        raise click.UsageError("Name either a CUSTOMER or a file with --csv.")
    if csv_path is not None and context is not None:
        raise click.UsageError("With --csv the file's own columns are the context; leave --context out.")
    from_when = at or now()
    with installation().store.transaction() as transaction:
        declared = _declared(transaction, journey)
        if csv_path is not None:
            starts = starts_of_csv(journey, csv_path, at=from_when, declared=declared)
        else:
            check_context(list(context or {}), declared)
            starts = one_start(journey, _customer(customer), from_when, context or {})
        count = transaction.add_starts(starts)
    known = len(starts) - count
    click.echo(
        f"Queued {count_of(count, 'start')} in journey {journey}"
        + (f" ({known:,} were queued before)." if known else ".")
        + (f" They enter with the first run as of {instant(starts['at'].min())} or later." if count else "")
    )


def _declared(transaction: StoreTransaction, journey: str) -> list[str]:
    """The context keys of the newest version. Raises JourneysError for a journey that takes no entries."""
    status = status_of(transaction, journey)
    if status != "live":
        mend = f"`journeys resume {journey}` lets it go on" if status == "paused" else "start another journey"
        raise JourneysError(f"journey {journey} is {status} and takes nobody; {mend}")
    entry = transaction.versions(journey)[-1].document.get("entry") or {}
    return list(entry.get("context") or [])


def _customer(customer: str | None) -> str:
    if not customer or not customer.strip():
        raise click.BadParameter("is empty; name a customer_id", param_hint="CUSTOMER")
    return customer.strip()


COMMANDS: Final[Mapping[str, click.Command]] = {"start": start}
