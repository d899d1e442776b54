"""`journeys migrate`."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
import pandas as pd

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.inputs import PAST_INSTANT
from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import count_of, table
from journey_pipelines.composition import Installation
from journey_pipelines.engine import migration
from journey_pipelines.engine.migration import Migration
from journey_pipelines.engine.ports import Run, StoredVersion, StoreTransaction
from journey_pipelines.engine.publication import publication_plan
from journey_pipelines.errors import JourneysError, MigrationMapError, NotFoundError, Problem
from journey_pipelines.journeys.journey import Journey, compile_journey
from journey_pipelines.journeys.migration_map import MigrationMap, check_map, read_map
from journey_pipelines.live import new_run_id


@click.command()
@click.argument("journey")
@click.option("--map", "map_file", type=click.Path(path_type=Path), help="What becomes of whom: a YAML file.")
@click.option("--plan", "is_plan", is_flag=True, help="Only say what would become of whom; move nobody.")
@click.option("--as-of", type=PAST_INSTANT, help="The time to stand for; by default the current time.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def migrate(
    journey: str, map_file: Path | None, as_of: datetime | None, *, is_plan: bool, yes: bool, as_json: bool
) -> None:
    """Move those who stand in an older version to the newest one, or end their journey, in one transaction.

    The map names the two versions and, for nodes of the older one, a node of the newest or `end`. Who stands elsewhere
    finishes on the version that they entered. Nobody is sent again what they were sent before.
    """
    parts = installation()
    made = _migration(journey, map_file, as_of or now(), parts)
    with parts.store.transaction() as transaction:
        plan = publication_plan(transaction.status_counts(), journey, made.migration_map if made else None)
    if made is None or is_plan:
        if made is None and not is_plan:
            raise click.UsageError("--map FILE says what becomes of whom; with --plan it may be left out")
        click.echo(json.dumps({"plan": _records(plan)}, indent=2) if as_json else _plan_as_text(plan))
        return
    if not as_json:
        click.echo(_plan_as_text(plan))
    if not yes:
        click.confirm("Carry this out?", abort=True, err=True)
    done = parts.store.transact(lambda transaction: migration.migrate(transaction, made))
    click.echo(json.dumps({"plan": _records(plan), **done}, indent=2) if as_json else _as_text(done))


def _migration(journey: str, map_file: Path | None, at: datetime, parts: Installation) -> Migration | None:
    """The checked map between two published versions; None without a file."""
    with parts.store.transaction() as transaction:
        versions = _versions(transaction, journey)
    if map_file is None:
        return None
    made = read_map(map_file)
    problems = _version_problems(made, journey, versions)
    if problems:
        raise MigrationMapError(problems, name=str(map_file))
    old, new = (_compiled(found, parts) for found in versions if found.version in (made.from_version, made.to_version))
    try:
        check_map(made, old, new)
    except MigrationMapError as error:
        raise MigrationMapError(error.problems, name=str(map_file)) from error
    return Migration(made, old, new, Run(new_run_id("migrate", at), at, kind="migrate"))


def _compiled(found: StoredVersion, parts: Installation) -> Journey:
    return compile_journey(found.document, parts.catalog, version=found.version)


def _versions(transaction: StoreTransaction, journey: str) -> list[StoredVersion]:
    versions = transaction.versions(journey)
    if not versions:
        raise NotFoundError(f"there is no journey {journey}; `journeys status` lists those that are published")
    if versions[-1].status == "archived":
        raise JourneysError(f"journey {journey} is archived: those inside finish, and nobody is moved")
    return versions


def _version_problems(made: MigrationMap, journey: str, versions: Sequence[StoredVersion]) -> list[Problem]:
    newest = versions[-1].version
    problems = []
    if made.to_version != newest:
        problems.append(Problem("/to_version", f"is {made.to_version}; the newest version of {journey} is {newest}"))
    if not 1 <= made.from_version < newest:
        found = f"is {made.from_version}; expected an older one than {newest}, the newest version of {journey}"
        problems.append(Problem("/from_version", found))
    return problems


def _records(plan: pd.DataFrame) -> list[dict[str, Any]]:
    renamed = plan.rename(columns={"journey_version": "version", "node_id": "node"})
    found: list[dict[str, Any]] = renamed.to_dict("records")
    return found


def _plan_as_text(plan: pd.DataFrame) -> str:
    if not len(plan):
        return "Nobody is in this journey."
    rows = [(str(row["version"]), row["node"], row["count"], row["fate"]) for row in _records(plan)]
    return table(["version", "stand at", "customers", "what becomes of them"], rows)


def _as_text(done: Mapping[str, Any]) -> str:
    moved, ended = sum(done["moved"].values()), sum(done["ended"].values())
    said = f"{count_of(moved, 'customer')} moved to version {done['to_version']}, {count_of(ended, 'journey')} ended."
    if not done["staying"]:
        return said
    where = ", ".join(f"{count} at {node}" for node, count in sorted(done["staying"].items()))
    return (
        f"{said} Still there, since a send is under way or a run holds them: {where}. Run it again after the next run."
    )


COMMANDS: Final[Mapping[str, click.Command]] = {"migrate": migrate}
