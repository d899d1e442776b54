"""What a store costs that has run for long: sizes and time, run by run, over a steady population with retention.

The ledger of entries is told apart: it grows with every entry, since it decides for ever who may enter again.

A machine that others use may be a quarter slower some minutes later, for whatever runs on it. Hence time is compared
side by side: a copy of the store is put away while it is young, and at the end the young and the old one take turns.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from journey_pipelines.bench.costs import BenchmarkError, Cost
from journey_pipelines.bench.layout import catalog_bytes, sizes
from journey_pipelines.bench.population import DOCUMENT, Population
from journey_pipelines.bench.server import BenchServer, bench_server
from journey_pipelines.bench.standing import SCHEMA
from journey_pipelines.bench.whole_engine import engine_over, publish
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.passes import Report, run_pass
from journey_pipelines.engine.ports import Retained, Run
from journey_pipelines.store.doctor import examine
from journey_pipelines.store.postgres import PostgresStore

OLD: Final = "bench_growth"
YOUNG: Final = "bench_growth_young"
KEPT_DAYS: Final = 3  # so that as much goes as comes from the seventh run on
LEDGER: Final = "entries"
PARTS: Final = 5  # of the runs: the last one is compared with the second


def measure(runs: int, *, rows: int) -> dict[str, Any]:
    """Everything about at least ten runs, as one JSON document.

    Raises BenchmarkError where a run did not do what it should.
    """
    part = runs // PARTS
    population = Population(rows)
    with bench_server(cleans_up=True) as server:
        server.copy_database("template0", OLD)
        publish(server.url(OLD), DOCUMENT)
        history = _History(server, population, population.features())
        found = history.run_alone(range(part - 1))
        server.copy_database(OLD, YOUNG)
        found += history.run_alone(range(part - 1, runs - part - 1))
        old, young = history.run_in_turn(range(runs - part - 1, runs), range(part - 1, 2 * part))
        with closing(PostgresStore(server.url(OLD))) as store:
            faults = [str(fault) for fault in examine(store).faults]
    if faults:
        raise BenchmarkError(f"the doctor finds after {runs} runs: {' '.join(faults)}")
    found += old
    # the first of each pays for connections and for what is not in memory yet
    ratios = {**_ratios(SIZES, found[part : 2 * part], found[-part:]), **_ratios(TIMES, young[1:], old[1:])}
    return {"rows": rows, "runs": runs, "kept_days": KEPT_DAYS, "days": found, "young": young[1:], "ratios": ratios}


@dataclass(frozen=True)
class _History:
    """Runs of one population, day after day, over databases of one server."""

    server: BenchServer
    population: Population
    features: pd.DataFrame

    def run_alone(self, days: Iterable[int]) -> list[dict[str, Any]]:
        """These days over the old store, with connections that end behind them."""
        with ExitStack() as stack:
            engine = self._engine(OLD, stack)
            return [self._measured(OLD, engine, day) for day in days]

    def run_in_turn(
        self, old_days: Iterable[int], young_days: Iterable[int]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Days of the old store and as many of the young one, which take turns."""
        old, young = [], []
        with ExitStack() as stack:
            old_engine, young_engine = self._engine(OLD, stack), self._engine(YOUNG, stack)
            for old_day, young_day in zip(old_days, young_days, strict=True):
                young.append(self._measured(YOUNG, young_engine, young_day))
                old.append(self._measured(OLD, old_engine, old_day))
        return old, young

    def _engine(self, database: str, stack: ExitStack) -> Engine:
        source = self.population.source(0, self.features)
        return stack.enter_context(engine_over(self.server.url(database), source))

    def _measured(self, database: str, engine: Engine, day: int) -> dict[str, Any]:
        return _Day(self.server, database, engine, self.population, self.features, day).measured()


class _Day:
    """One run and the retention behind it, over the store as the day before left it."""

    def __init__(
        self,
        server: BenchServer,
        database: str,
        engine: Engine,
        population: Population,
        features: pd.DataFrame,
        day: int,
    ) -> None:
        self._server = server
        self._database = database
        self._engine = replace(engine, source=population.source(day, features))
        self._population = population
        self._day = day
        self._as_of = population.as_of(day)
        self._report: Report | None = None
        self._retained: Retained | None = None

    def measured(self) -> dict[str, Any]:
        """Costs and sizes as JSON."""
        events = self._population.events(self._day)
        self._engine.store.transact(lambda transaction: transaction.add_events(events))
        run = self._server.meter.measure(self._population.entrants, self._run)
        retention = self._server.meter.measure(self._population.entrants, self._retain)
        self._check()
        assert self._retained is not None
        return {
            "run": _described(run),
            "retention": {**_described(retention), "removed": dict(self._retained.removed)},
            **self._sizes(),
        }

    def _run(self) -> None:
        self._report = run_pass(self._engine, Run(f"day-{self._day}", self._as_of), delivers=True)

    def _retain(self) -> None:
        self._retained = self._engine.store.retain(as_of=self._as_of, days=KEPT_DAYS)

    def _check(self) -> None:
        assert self._report is not None
        assert self._retained is not None
        entered = sum(self._report.entered.values())
        if entered != self._population.entrants or self._report.held or self._retained.busy:
            raise BenchmarkError(
                f"on day {self._day} {entered} entered, expected {self._population.entrants}; held: "
                f"{dict(self._report.held)}; partitions in use: {self._retained.busy}"
            )

    def _sizes(self) -> dict[str, Any]:
        with self._server.connected(self._database) as connection:
            found = sizes(connection, SCHEMA)
            catalog = catalog_bytes(connection)
        tables: Counter[str] = Counter()
        indexes: Counter[str] = Counter()
        for name, size in found.items():
            table = re.sub(r"_\d{8}$", "", name)  # partitions by date count as one table
            tables[table] += size["table_bytes"]
            indexes[table] += size["index_bytes"]
        ledger = {"table_bytes": tables.pop(LEDGER), "index_bytes": indexes.pop(LEDGER)}
        return {
            "table_bytes": tables.total(),
            "index_bytes": indexes.total(),
            "tables": {name: [tables[name], indexes[name]] for name in sorted(tables)},
            "partitions": sum(name != re.sub(r"_\d{8}$", "", name) for name in found),
            "catalog_bytes": catalog,
            "ledger": {**ledger, "rows": (self._day + 1) * self._population.entrants},
        }


def _described(cost: Cost) -> dict[str, Any]:
    return {
        "cpu_seconds": cost.cpu_seconds,
        "client_cpu_seconds": cost.client_seconds,
        "server_cpu_seconds": cost.server_seconds,
        "wall_seconds": cost.wall_seconds,
        "peak_bytes": cost.peak_bytes,
    }


Figures = Mapping[str, Callable[[Mapping[str, Any]], float]]

SIZES: Final[Figures] = {
    "table_bytes": lambda day: day["table_bytes"],
    "index_bytes": lambda day: day["index_bytes"],
    "catalog_bytes": lambda day: day["catalog_bytes"],
    "ledger_bytes_per_entry": lambda day: (
        sum(day["ledger"][name] for name in ("table_bytes", "index_bytes")) / day["ledger"]["rows"]
    ),
}
TIMES: Final[Figures] = {
    "run_cpu_seconds": lambda day: day["run"]["cpu_seconds"],
    "run_wall_seconds": lambda day: day["run"]["wall_seconds"],
    "retention_cpu_seconds": lambda day: day["retention"]["cpu_seconds"],
}


def _mean(figure: Callable[[Mapping[str, Any]], float], days: Sequence[Mapping[str, Any]]) -> float:
    return sum(map(figure, days)) / len(days)


def _ratios(figures: Figures, young: Sequence[Mapping[str, Any]], old: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The last fifth of the runs against the second, mean by mean."""
    return {name: _mean(figure, old) / _mean(figure, young) for name, figure in figures.items()}


def figures(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What people read: which runs, what, and the figure; then the last against the second part of the runs."""
    count = found["runs"] // PARTS
    for part in range(PARTS):
        days = found["days"][part * count : (part + 1) * count]
        yield from _rows(f"runs {part * count + 1} to {(part + 1) * count}", days)
    yield from _rows(f"runs {count + 1} to {2 * count} again, in turn with the last", found["young"])
    for name, ratio in found["ratios"].items():
        yield f"last {count} to second {count}", name.replace("_", " "), f"{ratio:.3f}"


def _rows(who: str, days: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    mean = {name: _mean(figure, days) for name, figure in {**SIZES, **TIMES}.items()}
    yield who, "processor, run", f"{mean['run_cpu_seconds']:.2f} s"
    yield "", "processor, retention", f"{mean['retention_cpu_seconds']:.2f} s"
    yield "", "clock, run", f"{mean['run_wall_seconds']:.2f} s"
    yield "", "tables, indexes", f"{mean['table_bytes'] / 1e6:.1f} MB, {mean['index_bytes'] / 1e6:.1f} MB"
    yield "", "ledger, for each entry", f"{mean['ledger_bytes_per_entry']:.0f} bytes"
