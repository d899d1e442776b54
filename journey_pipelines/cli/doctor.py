"""`journeys doctor`."""

import json
from collections.abc import Mapping
from typing import Final

import click

from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import count_of
from journey_pipelines.store.doctor import Findings, examine


@click.command()
@click.option("--json", "is_json", is_flag=True, help="As JSON, whose keys stay the same (see the reference).")
@click.pass_context
def doctor(context: click.Context, *, is_json: bool) -> None:
    """Check that the store holds together, beside whatever runs meanwhile; it changes nothing.

    The exit code is 1 if something is wrong.
    """
    found = examine(installation().store)
    click.echo(json.dumps(found.as_json(), indent=2) if is_json else _as_text(found))
    if found.faults:
        context.exit(1)


def _as_text(found: Findings) -> str:
    verdict = f"{count_of(len(found.faults), 'fault')} found by" if found.faults else "The store holds together:"
    lines = [f"{verdict} {count_of(found.checks, 'check')}."]
    lines += [f"Wrong: {finding}" for finding in found.faults]
    lines += [f"Note: {finding}" for finding in found.notes]
    return "\n".join(lines)


COMMANDS: Final[Mapping[str, click.Command]] = {"doctor": doctor}
