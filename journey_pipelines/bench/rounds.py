"""Contenders that take turns, round by round, on one server."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from journey_pipelines.bench.costs import Cost, best
from journey_pipelines.bench.server import BenchServer


class Contender(Protocol):
    """Something that is measured: put back to the start, run, and looked at."""

    @property
    def rows(self) -> int:
        """How many executions or customers one run is about."""

    def prepare(self) -> None:
        """Put everything back to where a run begins; not measured."""

    def run(self) -> object:
        """What is measured."""

    def check(self) -> None:
        """Raises BenchmarkError where the run did not do exactly what it should have done."""


def measure_rounds(server: BenchServer, contenders: Mapping[str, Contender], rounds: int) -> dict[str, list[Cost]]:
    """The costs of each, in rounds in which they take turns, in the order given."""
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            contender.prepare()
            costs[name].append(server.meter.measure(contender.rows, contender.run))
            contender.check()
    return costs


def described_rounds(costs: Mapping[str, list[Cost]]) -> dict[str, dict[str, Any]]:
    """The best of each, and the processor time of every round, which tells how quiet the machine was."""
    return {
        name: {**best(of_one).described(), "cpu_seconds_of_rounds": [cost.cpu_seconds for cost in of_one]}
        for name, of_one in costs.items()
    }


def figures_of(name: str, one: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What people read of one contender: its name once, what, and the figure."""
    yield f"{name}, {one['rows']:,} rows", "processor, client", f"{one['client_cpu_seconds']:.2f} s"
    yield "", "processor, server", f"{one['server_cpu_seconds']:.2f} s"
    yield "", "clock", f"{one['wall_seconds']:.2f} s, {one['rows_per_second']:,.0f} rows per second"
    yield "", "log", f"{one['wal_bytes_per_row']:,.0f} bytes for each row"
    yield "", "peak memory", f"{one['peak_bytes'] / 1e6:,.0f} MB, {one['peak_extra_bytes'] / 1e6:,.0f} MB of it new"
