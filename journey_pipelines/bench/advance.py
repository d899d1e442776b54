"""What an advance costs: against the floor of its bytes, and against engines that go customer by customer."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, Final

import pandas as pd

from journey_pipelines.bench import durable
from journey_pipelines.bench.costs import BenchmarkError, Cost, best
from journey_pipelines.bench.floor import Floor
from journey_pipelines.bench.layout import sizes
from journey_pipelines.bench.per_customer import PlainEngine
from journey_pipelines.bench.rounds import Contender, described_rounds, figures_of, measure_rounds
from journey_pipelines.bench.server import BenchServer, bench_server
from journey_pipelines.bench.snapshot_files import SnapshotFiles, in_another_process, snapshot_files
from journey_pipelines.bench.standing import (
    AS_OF,
    DOCUMENT,
    SCHEMA,
    SEGMENT,
    Standing,
    is_engaged,
    load_standing,
    make_standing,
    write_snapshots,
)
from journey_pipelines.bench.whole_engine import STANDING_DATABASE, OurAdvance, publish
from journey_pipelines.compute import LocalProcesses
from journey_pipelines.engine.engine import CHUNK_ROWS

SPREAD: Final = "ours_in_processes"
PLAIN_ROWS: Final = 2_000
DURABLE_ROWS: Final = 1_000


def measure(rows: int, *, stored: int, is_scattered: bool, rounds: int, workers: int = 1) -> dict[str, Any]:
    """Everything, as one JSON document: the best of interleaved rounds, and ratios of those.

    With several workers ours is measured a second time, in so many local processes. Raises BenchmarkError for fewer
    stored rows than due ones, and where a run did not do what it should.
    """
    if stored < rows:
        raise BenchmarkError(f"{stored} stored executions cannot hold {rows} due ones; store as many or more")
    standing = make_standing(rows=rows, stored=stored, is_scattered=is_scattered)
    with bench_server() as server, snapshot_files(SEGMENT) as files, closing(LocalProcesses(workers)) as processes:
        layout = _load(server, standing)
        contenders = _contenders(server, standing, files, None if workers == 1 else processes)
        costs = measure_rounds(server, contenders, rounds)
    return {
        "rows": rows,
        "stored": stored,
        "scattered": is_scattered,
        "rounds": rounds,
        "chunk_rows": CHUNK_ROWS,
        "workers": workers,
        "layout": layout,
        "measured": described_rounds(costs),
        "ratios": _ratios({name: best(of_one) for name, of_one in costs.items()}),
    }


def _load(server: BenchServer, standing: Standing) -> dict[str, Any]:
    server.copy_database("template0", STANDING_DATABASE)
    publish(server.url(STANDING_DATABASE), DOCUMENT)
    in_another_process(load_standing, server.url(STANDING_DATABASE), standing)
    with server.connected(STANDING_DATABASE) as connection:
        return {"postgres": connection.info.server_version // 10_000, "tables": sizes(connection, SCHEMA)}


def _contenders(
    server: BenchServer, standing: Standing, files: SnapshotFiles, processes: LocalProcesses | None
) -> dict[str, Contender]:
    """In the order in which they take turns: the floor carries what our advance has just written."""
    due, engaged = in_another_process(_write, standing, files)
    ours = OurAdvance(server, standing, files, engaged)
    contenders: dict[str, Contender] = {
        "ours": ours,
        "floor": Floor(server, before=STANDING_DATABASE, after=ours.database, as_of=AS_OF, chunk_rows=CHUNK_ROWS),
        "plain": PlainEngine(server, due.head(PLAIN_ROWS)),
    }
    if processes is not None:
        contenders[SPREAD] = OurAdvance(
            server, standing, files, engaged, compute=processes, database=f"{ours.database}_{SPREAD}"
        )
    if durable.is_installed():
        contenders["dbos"] = durable.DurableEngine(server, due.head(DURABLE_ROWS))
    return contenders


def _write(standing: Standing, files: SnapshotFiles) -> tuple[pd.DataFrame, int]:
    """Features of the first of those who are due, and how many of all are to go to the action."""
    due = write_snapshots(standing, files)
    return due.head(PLAIN_ROWS), int(is_engaged(due).sum())


def _ratios(costs: Mapping[str, Cost]) -> dict[str, float]:
    ours = costs["ours"]
    ratios = {"cpu_to_floor": ours.cpu_seconds_per_row / costs["floor"].cpu_seconds_per_row}
    if SPREAD in costs:
        ratios["rows_per_second_in_processes"] = costs[SPREAD].rows_per_second / ours.rows_per_second
    for name in ("plain", "dbos"):
        if name in costs:
            ratios[f"rows_per_second_to_{name}"] = ours.rows_per_second / costs[name].rows_per_second
            if SPREAD in costs:
                ratios[f"rows_per_second_in_processes_to_{name}"] = (
                    costs[SPREAD].rows_per_second / costs[name].rows_per_second
                )
            ratios[f"rows_per_cpu_second_to_{name}"] = costs[name].cpu_seconds_per_row / ours.cpu_seconds_per_row
    return ratios


def figures(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What people read: who, what, and the figure."""
    for name, one in found["measured"].items():
        yield from figures_of(name, one)
    ratios = found["ratios"]
    yield "ours", "against the floor", f"{ratios['cpu_to_floor']:.1f} times its processor time"
    for name in ("plain", "dbos"):
        if name in found["measured"]:
            yield "", f"against {name}", f"{ratios[f'rows_per_second_to_{name}']:,.0f} times its rows per second"
            if SPREAD in found["measured"]:
                spread = ratios[f"rows_per_second_in_processes_to_{name}"]
                yield "", f"in {found['workers']} processes", f"{spread:,.0f} times its rows per second"
            yield "", "", f"{ratios[f'rows_per_cpu_second_to_{name}']:,.0f} times its rows per processor second"
