"""`journeys approve`."""

from collections.abc import Mapping
from typing import Final

import click

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.installation import installation


@click.command()
@click.argument("run_id", metavar="RUN")
def approve(run_id: str) -> None:
    """Release the journeys that a run held, with the snapshots that it saw; the next run takes them."""
    with installation().store.transaction() as transaction:
        keys = transaction.approve(run_id, at=now())
    click.echo(f"Released: {', '.join(keys)}. The next run over the same snapshots lets customers enter and move.")


COMMANDS: Final[Mapping[str, click.Command]] = {"approve": approve}
