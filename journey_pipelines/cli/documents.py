"""Journey documents as the command line names them: by a file, by a key, by a version; and with something changed."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from journey_pipelines.cli.installation import installation
from journey_pipelines.documents import find_document
from journey_pipelines.errors import JourneysError, StoreError
from journey_pipelines.journeys.changes import changed
from journey_pipelines.reading import Readings


def document_of(name: str, parts: Readings, *, version: int | None = None) -> Mapping[str, Any]:
    """The whole document of a file, or of a journey: its newest published version, or the one that is asked for.

    A journey that was never published is looked for in `journeys/`. Raises NotFoundError where there is none, and what
    checking it raises.
    """
    return find_document(name, parts, _published, version=version)


def with_changes(document: Mapping[str, Any], changes: Sequence[str]) -> Mapping[str, Any]:
    """`changed`, whose faults are those of the option `--set`."""
    try:
        return changed(document, changes)
    except JourneysError as error:
        raise click.BadParameter(str(error), param_hint="--set") from error


def _published(key: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Versions and their documents, oldest first; none where no store can be reached."""
    try:
        with installation().store.transaction() as transaction:
            return [(stored.version, stored.document) for stored in transaction.versions(key)]
    except StoreError:
        return []
