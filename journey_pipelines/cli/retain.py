"""`journeys retain`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import click

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.inputs import PAST_INSTANT
from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import count_of
from journey_pipelines.engine.ports import Retained
from journey_pipelines.engine.retention import LEAST_DAYS


@click.command()
@click.option("--as-of", type=PAST_INSTANT, help="The time to count back from; by default the current time.")
@click.option("--days", type=click.IntRange(min=LEAST_DAYS), help="By default JOURNEYS_RETENTION_DAYS, or 400.")
def retain(as_of: datetime | None, days: int | None) -> None:
    """Remove executions that ended more than so many days ago, with all that belongs to them, and events and runs as
    old.

    Who entered what when stays, and so does everything of those who are inside. Runs may go on meanwhile.
    """
    parts = installation()
    kept_days = parts.settings.retention_days if days is None else days
    click.echo(_as_text(parts.store.retain(as_of=as_of or now(), days=kept_days)))


def _as_text(retained: Retained) -> str:
    lines = [f"Kept whole from {retained.kept_from} (UTC) on."]
    lines += [f"  {table}: {count_of(rows, 'row')} removed" for table, rows in retained.removed.items()]
    lines.append(f"  {count_of(retained.dropped, 'partition')} dropped")
    if retained.busy:
        lines.append(f"  {count_of(retained.busy, 'partition')} in use, left for the next time")
    return "\n".join(lines)


COMMANDS: Final[Mapping[str, click.Command]] = {"retain": retain}
