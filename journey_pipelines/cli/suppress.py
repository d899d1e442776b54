"""`journeys suppress`."""

from collections.abc import Mapping
from typing import Final

import click
import pandas as pd

from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import count_of
from journey_pipelines.delivery.addresses import plain_addresses
from journey_pipelines.delivery.providers.registry import CHANNELS


@click.command()
@click.argument("channel", type=click.Choice(CHANNELS))
@click.argument("addresses", nargs=-1, required=True)
@click.option("--marketing", is_flag=True, help="Let transactional messages through.")
@click.option("--reason", default="by hand", show_default=True, help="Kept beside the address.")
@click.option("--remove", is_flag=True, help="Take the addresses off the list.")
def suppress(channel: str, addresses: tuple[str, ...], *, marketing: bool, reason: str, remove: bool) -> None:
    """Put addresses on a channel's suppression list: nothing leaves for them any more."""
    # device tokens are compared as they are, addresses without capitals and a number's spaces
    given = pd.Series(list(addresses), dtype="str").str.strip()
    listed = given if channel == "push" else plain_addresses(given)
    with installation().store.transaction() as transaction:
        if remove:
            count = transaction.remove_suppressions(channel, pd.Index(listed).union(pd.Index(given)))
            click.echo(f"{count_of(count, 'entry', 'entries')} removed from the list of {channel}.")
            return
        rows = pd.DataFrame({"address": listed, "channel": channel, "reason": reason})
        count = transaction.add_suppressions(rows.assign(purpose="marketing" if marketing else "all"))
    click.echo(f"{count_of(count, 'entry', 'entries')} added to the list of {channel}.")


COMMANDS: Final[Mapping[str, click.Command]] = {"suppress": suppress}
