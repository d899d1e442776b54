"""What work costs: processor time of this process and of the database server, time on the clock, log and memory."""

import os
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import psycopg

from journey_pipelines.errors import JourneysError

PROCESSES: Final = Path("/proc")
FORGET_PEAK: Final = "5"  # see clear_refs in proc(5)
KIBIBYTE: Final = 1024
ENDED_STATES: Final = ("Z", "X")
LOOK_AGAIN_SECONDS: Final = 0.002


class BenchmarkError(JourneysError):
    """What was measured did not do what it should have done, or this machine cannot measure it."""


@dataclass(frozen=True)
class Cost:
    """One measured run of some work over `rows` rows, or the best of several."""

    rows: int
    client_seconds: float  # of all threads of this process, and of the processes that work for it
    server_seconds: float  # of the server's processes, those that ended meanwhile included
    wall_seconds: float
    wal_bytes: int
    peak_bytes: int  # resident memory of this process, or of the largest that works for it
    peak_extra_bytes: int  # beyond what was resident when the work began

    @property
    def cpu_seconds(self) -> float:
        """Client and server together."""
        return self.client_seconds + self.server_seconds

    @property
    def rows_per_second(self) -> float:
        """By the clock."""
        return self.rows / self.wall_seconds

    @property
    def cpu_seconds_per_row(self) -> float:
        """Client and server together."""
        return self.cpu_seconds / self.rows

    def described(self) -> dict[str, Any]:
        """The figures as JSON."""
        return {
            "rows": self.rows,
            "client_cpu_seconds": self.client_seconds,
            "server_cpu_seconds": self.server_seconds,
            "cpu_seconds": self.cpu_seconds,
            "wall_seconds": self.wall_seconds,
            "rows_per_second": self.rows_per_second,
            "wal_bytes_per_row": self.wal_bytes / self.rows,
            "peak_bytes": self.peak_bytes,
            "peak_extra_bytes": self.peak_extra_bytes,
        }


def best(costs: Iterable[Cost]) -> Cost:
    """The round that took the least processor time, with the shortest time on the clock and the highest peak of all."""
    rounds = list(costs)
    least = min(rounds, key=lambda cost: cost.cpu_seconds)
    return Cost(
        least.rows,
        least.client_seconds,
        least.server_seconds,
        min(cost.wall_seconds for cost in rounds),
        least.wal_bytes,
        max(cost.peak_bytes for cost in rounds),
        max(cost.peak_extra_bytes for cost in rounds),
    )


@dataclass(frozen=True)
class Meter:
    """Measures work against one server, which nobody else uses meanwhile."""

    postmaster: int  # its process id
    watching: "psycopg.Connection[tuple[Any, ...]]"

    def measure(self, rows: int, work: Callable[[], object]) -> Cost:
        """Run the work once. What the server still has to write is written before."""
        self.watching.execute("CHECKPOINT")
        log, server = self._log_position(), self._server_seconds()
        cost = measure_alone(rows, work, server=self.postmaster)
        server = self._server_seconds() - server
        return replace(cost, server_seconds=server, wal_bytes=self._log_position() - log)

    def _log_position(self) -> int:
        rows = self.watching.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchall()
        return int(rows[0][0])

    def _server_seconds(self) -> float:
        """The postmaster counts its children that ended; those that live are asked one by one."""
        while (ticks := self._server_ticks()) is None:
            time.sleep(LOOK_AGAIN_SECONDS)
        return ticks / os.sysconf("SC_CLK_TCK")

    def _server_ticks(self) -> int | None:
        """None while a child is between its end and its being counted: then neither has its time."""
        before = _stat(self.postmaster)
        stats = [_stat(int(path.name)) for path in PROCESSES.iterdir() if path.name.isdigit()]
        after = _stat(self.postmaster)
        if before is None or after is None:
            raise BenchmarkError(f"the measured server, process {self.postmaster}, has ended; look why, and run again")
        children = [stat for stat in stats if stat is not None and stat.parent == self.postmaster]
        if before.ticks_of_ended != after.ticks_of_ended or not all(stat.is_alive for stat in children):
            return None
        return sum(after.ticks) + sum(after.ticks_of_ended) + sum(sum(stat.ticks) for stat in children)


def measure_alone(rows: int, work: Callable[[], object], *, server: int | None = None) -> Cost:
    """Run the work once, apart from what a server does for it. Processes that this one has started count, but that."""
    resident, client, started = _forget_peaks(server), _client_seconds(server), time.perf_counter()
    work()
    wall, client = time.perf_counter() - started, _client_seconds(server) - client
    peak = max(_memory("VmHWM", process) for process in _workers(server))
    return Cost(rows, client, 0.0, wall, 0, peak, max(peak - resident, 0))


def _workers(server: int | None) -> list[int]:
    """This process, and those that it has started and that live."""
    own = os.getpid()
    stats = {int(path.name): _stat(int(path.name)) for path in PROCESSES.iterdir() if path.name.isdigit()}
    live = {process for process, stat in stats.items() if stat is not None and stat.parent == own and stat.is_alive}
    return [own, *sorted(live - {server})]


def _client_seconds(server: int | None) -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    _, *others = (_stat(process) for process in _workers(server))
    ticks = sum(sum(stat.ticks) + sum(stat.ticks_of_ended) for stat in others if stat is not None)
    return time.process_time() + used.ru_utime + used.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Stat:
    """Of a process: its state, who started it, and clock ticks, user and system."""

    state: str
    parent: int
    ticks: tuple[int, ...]
    ticks_of_ended: tuple[int, ...]

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended; one that has is there until it is asked how."""
        return self.state not in ENDED_STATES


def _stat(process: int) -> _Stat | None:
    try:
        text = (PROCESSES / str(process) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None  # it has ended
    fields = text.rpartition(")")[2].split()  # a program's name may hold spaces
    ticks = tuple(map(int, fields[11:15]))
    return _Stat(fields[0], int(fields[1]), ticks[:2], ticks[2:])


def require_processes() -> None:
    """Raises BenchmarkError on a system whose processes cannot be measured."""
    if not (PROCESSES / "self" / "clear_refs").exists():
        raise BenchmarkError(
            f"{PROCESSES}/self/clear_refs is not there; processor time and memory are read from Linux's {PROCESSES}: "
            "measure on Linux, or in a container"
        )


def _forget_peaks(server: int | None) -> int:
    """Let the peaks of memory begin anew; returns what is resident now in the largest process."""
    workers = _workers(server)
    for process in workers:
        (PROCESSES / str(process) / "clear_refs").write_text(FORGET_PEAK)
    return max(_memory("VmRSS", process) for process in workers)


def _memory(name: str, process: int) -> int:
    lines = (PROCESSES / str(process) / "status").read_text().splitlines()
    found = next(line for line in lines if line.startswith(f"{name}:"))
    return int(found.split()[1]) * KIBIBYTE
