"""`journeys explain`."""

from collections.abc import Mapping
from typing import Any, Final

import click

from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.story import tell
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.errors import NotFoundError


@click.command()
@click.argument("who", metavar="CUSTOMER|EXECUTION")
def explain(who: str) -> None:
    """Tell what happened to a customer in every journey, or to one execution, and what decided it."""
    with installation().store.transaction() as transaction:
        executions = _executions(transaction, who)
        stories = [_story(transaction, execution) for execution in executions]
    click.echo("\n\n".join(stories))


def _executions(transaction: StoreTransaction, who: str) -> list[dict[str, Any]]:
    found = transaction.find_execution(who)
    if not len(found):
        found = transaction.executions_of(who)
    if not len(found):
        raise NotFoundError(
            f"{who!r} is neither an execution nor a customer who entered a journey; `journeys status` shows who did"
        )
    rows: list[dict[str, Any]] = found.to_dict("records")
    return rows


def _story(transaction: StoreTransaction, execution: Mapping[str, Any]) -> str:
    execution_id = execution["execution_id"]
    documents = [
        version.document
        for version in transaction.versions(execution["journey_key"])
        if version.version == execution["journey_version"]
    ]
    return "\n".join(
        tell(
            execution,
            transaction.read("transitions", execution_id=execution_id).to_dict("records"),
            transaction.read("dispatches", execution_id=execution_id).to_dict("records"),
            documents[0] if documents else {},
        )
    )


COMMANDS: Final[Mapping[str, click.Command]] = {"explain": explain}
