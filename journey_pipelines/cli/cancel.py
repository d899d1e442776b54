"""`journeys cancel`."""

from collections.abc import Mapping
from typing import Final

import click
import pandas as pd

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.installation import installation
from journey_pipelines.engine.cancel import cancel_executions


@click.command()
@click.argument("execution")
def cancel(execution: str) -> None:
    """Take an execution out of its journey at once; what has not left is not sent any more."""
    with installation().store.transaction() as transaction:
        cancelled = cancel_executions(transaction, pd.Index([execution], dtype="str"), at=now()).iloc[0]
    click.echo(
        f"Cancelled: customer {cancelled['customer_id']} left journey {cancelled['journey_key']} "
        f"at {cancelled['current_node_id']}."
    )


COMMANDS: Final[Mapping[str, click.Command]] = {"cancel": cancel}
