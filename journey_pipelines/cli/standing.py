"""`journeys pause`, `resume` and `archive`."""

from collections.abc import Mapping
from typing import Final

import click

from journey_pipelines.cli.installation import installation
from journey_pipelines.engine.ports import JourneyStatus, StoreTransaction
from journey_pipelines.errors import JourneysError, NotFoundError


@click.command()
@click.argument("journey")
def pause(journey: str) -> None:
    """Let nobody enter or move in a journey; executions keep their due time."""
    _change(journey, "paused", allowed=("live",))
    click.echo(f"Journey {journey} is paused. `journeys resume {journey}` lets it go on.")


@click.command()
@click.argument("journey")
def resume(journey: str) -> None:
    """Let a paused journey go on."""
    _change(journey, "live", allowed=("paused",))
    click.echo(f"Journey {journey} is live; the next run moves whoever is due.")


@click.command()
@click.argument("journey")
def archive(journey: str) -> None:
    """Close a journey for good: nobody enters any more, those inside finish on their version."""
    _change(journey, "archived", allowed=("live", "paused", "draft"))
    click.echo(f"Journey {journey} is archived; those inside finish.")


def status_of(transaction: StoreTransaction, journey: str) -> JourneyStatus:
    """The journey's status. Raises NotFoundError for an unknown one."""
    versions = transaction.versions(journey)
    if not versions:
        known = sorted({version.journey_key for version in transaction.versions()})
        listed = f"known: {', '.join(known[:8])}{', …' if len(known) > 8 else ''}" if known else "none is published"
        raise NotFoundError(f"there is no journey {journey!r} ({listed}); publish it with `journeys publish FILE`")
    return versions[-1].status


def _change(journey: str, status: JourneyStatus, *, allowed: tuple[JourneyStatus, ...]) -> None:
    with installation().store.transaction() as transaction:
        found = status_of(transaction, journey)
        if found == status:
            return
        if found not in allowed:
            raise JourneysError(
                f"journey {journey} is {found}, and only one that is {' or '.join(allowed)} can become "
                f"{status}; nothing was changed"
            )
        transaction.set_status(journey, status)


COMMANDS: Final[Mapping[str, click.Command]] = {"pause": pause, "resume": resume, "archive": archive}
