"""`journeys bench`."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

import click

from journey_pipelines.bench import advance as bench_advance
from journey_pipelines.bench import dispatch as bench_dispatch
from journey_pipelines.bench import enrol as bench_enrol
from journey_pipelines.bench import growth as bench_growth
from journey_pipelines.bench import render as bench_render
from journey_pipelines.bench import replay as bench_replay
from journey_pipelines.bench import rules as bench_rules
from journey_pipelines.cli.documents import document_of
from journey_pipelines.cli.inputs import DAY, days_between
from journey_pipelines.cli.installation import readings
from journey_pipelines.cli.output import count_of, table
from journey_pipelines.delivery.actions.action_type import ActionType

_as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
_rounds = click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="The best counts.")


@click.group()
def bench() -> None:
    """Measure how fast the parts are on this machine, as ratios of what ran interleaved in one process."""


@bench.command("rules")
@click.option("--rows", type=click.IntRange(min=1), default=1_000_000, show_default=True, help="Rows of the frame.")
@_as_json
def rules(rows: int, *, as_json: bool) -> None:
    """Rules over columns, against numpy and pandas by hand and against evaluators of single documents.

    The latter take part where the extra `bench` is installed.
    """
    found = bench_rules.measure(rows)
    headers = ("rule", "against", "measured")
    _show(found, count_of(rows, "row"), headers, bench_rules.figures(found), as_json=as_json)


@bench.command("advance")
@click.option("--rows", type=click.IntRange(min=1), default=1_000_000, show_default=True, help="Due executions.")
@click.option("--stored", type=click.IntRange(min=1), help="Executions in the store, those included; by default those.")
@click.option("--scattered", is_flag=True, help="The due ones lie among the others; else they were written together.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Local processes that ours is measured in besides; 1: it is not.",
)
@_rounds
@_as_json
def advance(rows: int, stored: int | None, workers: int, rounds: int, *, scattered: bool, as_json: bool) -> None:
    """An advance, against COPY of the same bytes and against engines that go customer by customer.

    In a Postgres of its own in a temporary folder. DBOS takes part where the extra `bench` is installed.
    """
    found = bench_advance.measure(rows, stored=stored or rows, is_scattered=scattered, rounds=rounds, workers=workers)
    what = f"{count_of(rows, 'due execution')} of {found['stored']:,}, {'scattered' if scattered else 'together'}"
    _show(found, what, ("who", "what", "measured"), bench_advance.figures(found), as_json=as_json)


@bench.command("enrol")
@click.option("--candidates", type=click.IntRange(min=1), default=5_000_000, show_default=True, help="In the segment.")
@_rounds
@_as_json
def enrol(candidates: int, rounds: int, *, as_json: bool) -> None:
    """An enrolment from a large segment by a rule that lets few in, against the selection in pandas."""
    found = bench_enrol.measure(candidates, rounds=rounds)
    what = f"{count_of(candidates, 'candidate')}, {count_of(found['entrants'], 'entrant')}"
    _show(found, what, ("who", "what", "measured"), bench_enrol.figures(found), as_json=as_json)


@bench.command("growth")
@click.option("--runs", type=click.IntRange(min=10), default=50, show_default=True, help="Days, one run each.")
@click.option("--rows", type=click.IntRange(min=2), default=20_000, show_default=True, help="Who enter on each day.")
@_as_json
def growth(runs: int, rows: int, *, as_json: bool) -> None:
    """Sizes and run time over many runs with retention, while as many enter as leave.

    In a Postgres of its own that vacuums as by default. The last fifth of the runs is compared with the second.
    """
    found = bench_growth.measure(runs, rows=rows)
    what = f"{count_of(runs, 'run')} of {count_of(rows, 'entrant')}, {found['kept_days']} days kept"
    _show(found, what, ("who", "what", "measured"), bench_growth.figures(found), as_json=as_json)


@bench.command("dispatch")
@click.option(
    "--rows", type=click.IntRange(min=1), default=100_000, show_default=True, help="Mails; a tenth of it SMS."
)
@_rounds
@_as_json
def dispatch(rows: int, rounds: int, *, as_json: bool) -> None:
    """Mails by SendGrid, rendered, and SMS by Twilio, against their libraries used message by message.

    They go to a server on loopback in a process of its own, whose time is not counted.
    """
    found = bench_dispatch.measure(rows, rounds=rounds)
    _show(found, count_of(rows, "mail"), ("who", "what", "measured"), bench_dispatch.figures(found), as_json=as_json)


@bench.command("render")
@click.option("--rows", type=click.IntRange(min=1), default=100_000, show_default=True, help="Mails.")
@_rounds
@_as_json
def render(rows: int, rounds: int, *, as_json: bool) -> None:
    """The sample welcome mail (HTML, text part, subject), against plain Jinja row by row."""
    found = bench_render.measure(rows, rounds=rounds)
    _show(found, count_of(rows, "mail"), ("who", "what", "measured"), bench_render.figures(found), as_json=as_json)


@bench.command("replay")
@click.argument("journeys", metavar="JOURNEY...", nargs=-1, required=True)
@click.option("--from", "first", type=DAY, required=True, help="The first day.")
@click.option("--to", "last", type=DAY, required=True, help="The last day.")
@click.option("--customers", type=click.IntRange(min=1), default=100_000, show_default=True, help="How many are drawn.")
@_as_json
def replay(journeys: tuple[str, ...], first: date, last: date, customers: int, *, as_json: bool) -> None:
    """A replay over snapshots of many customers, drawn from the project's own, beside one over its own.

    The snapshots of these days must be there; `journeys replay ... --build` builds them.
    """
    parts = readings()
    walk = bench_replay.Walk(
        documents=[document_of(name, parts) for name in journeys],
        days=days_between(first, last),
        segments=sorted(parts.warehouse.segments()),
        actions=_actions,
    )
    found = bench_replay.measure(walk, parts.settings.snapshots, customers)
    what = f"{count_of(found['days'], 'day')}, {count_of(customers, 'customer')}"
    _show(found, what, ("who", "what", "measured"), bench_replay.figures(found), as_json=as_json)


def _actions() -> Mapping[str, ActionType]:
    return readings().actions


def _show(
    found: Mapping[str, Any],
    what: str,
    headers: tuple[str, ...],
    figures: Iterable[tuple[str, ...]],
    *,
    as_json: bool,
) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{what}, best of {count_of(found['rounds'], 'round')}" if "rounds" in found else what)
    click.echo(table(headers, list(figures)))


COMMANDS: Final[Mapping[str, click.Command]] = {"bench": bench}
