"""`journeys publish`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
import pandas as pd

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import count_of, table
from journey_pipelines.engine.ports import StoredVersion, StoreTransaction
from journey_pipelines.engine.publication import publication_plan
from journey_pipelines.journeys.journey import compile_journey

FATES: Final = {"keep": "finish on their version"}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--plan", "is_plan", is_flag=True, help="Only say what would become of whom; publish nothing.")
def publish(file: Path, *, is_plan: bool) -> None:
    """Make a document the newest version of its journey, which new customers enter from the next run on.

    Says first how many executions stand at each node and what becomes of them.
    """
    parts = installation()
    journey = compile_journey(file, parts.full_catalog)
    with parts.store.transaction() as transaction:
        before = transaction.versions(journey.key)
        _show_plan(publication_plan(transaction.status_counts(), journey.key))
        if is_plan:
            return
        version = transaction.publish(journey.document, at=now())
        click.echo(_outcome(transaction, journey.key, before, version))


def _show_plan(plan: Any) -> None:
    if not len(plan):
        click.echo("Nobody is in this journey.")
        return
    click.echo(f"{count_of(int(plan['count'].sum()), 'customer')} in this journey:")
    versions, nodes, counts = plan["journey_version"].tolist(), plan["node_id"].tolist(), plan["count"].tolist()
    fates = pd.Series(plan["fate"]).map(FATES).tolist()
    rows = list(zip(map(str, versions), nodes, counts, fates, strict=True))
    click.echo(table(["version", "node", "customers", "what becomes of them"], rows))


def _outcome(transaction: StoreTransaction, key: str, before: list[StoredVersion], version: int) -> str:
    status = transaction.versions(key)[-1].status
    if before and before[-1].version == version:
        return f"Journey {key} says this already in version {version} ({status}); nothing to publish."
    paused = f" It is paused; `journeys resume {key}` lets it go on." if status == "paused" else ""
    outdated = [made for made in transaction.forecasts(key) if made.version < version]
    old = f" The forecast of version {outdated[-1].version} says nothing any more;" if outdated else ""
    again = f"{old} `journeys forecast {key} --save` makes one." if old else ""
    return f"Published journey {key}, version {version} ({status}).{paused}{again}"


COMMANDS: Final[Mapping[str, click.Command]] = {"publish": publish}
