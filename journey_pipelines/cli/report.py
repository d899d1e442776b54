"""`journeys report`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.installation import installation
from journey_pipelines.errors import JourneysError, NotFoundError
from journey_pipelines.journeys.journey import compile_journey


@click.command()
@click.argument("journey")
@click.option(
    "--html", "file", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The page to write."
)
def report(journey: str, file: Path) -> None:
    """Write a page about a journey: its flow, funnel, sends, waits, points and arms. One file, which names nobody."""
    from journey_pipelines.report import report_page
    from journey_pipelines.store.postgres.analytics import analytics_of

    parts = installation()
    with parts.store.transaction() as transaction:
        versions = transaction.versions(journey)
    if not versions:
        raise NotFoundError(f"there is no journey {journey}; publish it first, `journeys status` lists those that are")
    newest = compile_journey(versions[-1].document, parts.catalog, version=versions[-1].version)
    page = report_page(newest, analytics_of(parts.store, journey), as_of=now())
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise JourneysError(f"{file} cannot be written ({error.strerror}); choose another place") from error
    click.echo(f"Wrote {file}.")


COMMANDS: Final[Mapping[str, click.Command]] = {"report": report}
