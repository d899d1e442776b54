"""`journeys bench`."""

import json
from collections.abc import Mapping
from typing import Final

import click

from journey_pipelines.bench import rules as bench_rules
from journey_pipelines.cli.output import count_of, table


@click.group()
def bench() -> None:
    """Measure how fast the parts are on this machine, as ratios of what ran interleaved in one process."""


@bench.command("rules")
@click.option("--rows", type=click.IntRange(min=1), default=1_000_000, show_default=True, help="Rows of the frame.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def rules(rows: int, *, as_json: bool) -> None:
    """Rules over columns, against numpy and pandas by hand and against evaluators of single documents.

    The latter take part where the extra `bench` is installed.
    """
    found = bench_rules.measure(rows)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{count_of(rows, 'row')}, best of {found['rounds']} rounds")
    click.echo(table(("rule", "against", "measured"), list(bench_rules.figures(found))))


COMMANDS: Final[Mapping[str, click.Command]] = {"bench": bench}
