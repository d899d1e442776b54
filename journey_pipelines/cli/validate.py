"""`journeys validate`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from journey_pipelines.cli.failures import Failure
from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import count_of
from journey_pipelines.composition import Installation
from journey_pipelines.errors import JourneyDocumentError, WarehouseError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import compile_journey


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def validate(files: tuple[Path, ...]) -> None:
    """Check journey documents (YAML or JSON) and say everything that is wrong with each, by JSON path.

    Features and segments are checked against the warehouse, where it can be reached.
    """
    catalog = _catalog(installation())
    faults = [fault for fault in (_check(path, catalog) for path in files) if fault is not None]
    if faults:
        wrong = f"{len(faults)} of {count_of(len(files), 'document')} cannot be published; correct what is listed."
        raise Failure("\n".join([*faults, wrong] if len(files) > 1 else faults))


def _catalog(parts: Installation) -> Catalog:
    try:
        return parts.full_catalog
    except WarehouseError as error:
        click.echo(f"Features and segments are not checked: {error}", err=True)
        return parts.catalog


def _check(path: Path, catalog: Catalog) -> str | None:
    """Say that the document is fine, or give what is wrong with it."""
    try:
        journey = compile_journey(path, catalog)
    except JourneyDocumentError as error:
        return str(JourneyDocumentError(error.problems, name=str(path)))
    click.echo(f"{path}: fine (journey {journey.key}, {count_of(len(journey.nodes), 'node')})")
    return None


COMMANDS: Final[Mapping[str, click.Command]] = {"validate": validate}
