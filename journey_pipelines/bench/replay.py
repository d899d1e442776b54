"""A replay over the snapshots of many customers, drawn from the project's own, beside one over its own."""

import resource
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import monotonic, process_time
from typing import Any, Final

from journey_pipelines.bench.bootstrap import bootstrap
from journey_pipelines.bench.snapshot_files import in_another_process
from journey_pipelines.delivery.actions.action_type import ActionType
from journey_pipelines.replay import PartitionDays, Replayed, replay
from journey_pipelines.snapshots.parquet import SnapshotStore

MEBIBYTE: Final = 1 << 20
UNIT: Final = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
PARTS: Final = 3  # of the days; what the last one costs is compared with the first


@dataclass(frozen=True)
class Walk:
    """What is replayed: compiled documents, days, and which segments the snapshots have."""

    documents: Sequence[Mapping[str, Any]]
    days: Sequence[date]
    segments: Sequence[str]
    actions: Callable[[], Mapping[str, ActionType]]  # that a process of its own can call


@dataclass(frozen=True)
class Measured:
    """A replay; when each day began, in seconds; and the peak of memory until then, in MiB."""

    replayed: Replayed
    cpu: float
    began: Sequence[float]
    peaks: Sequence[float]


def measure(walk: Walk, snapshots: Path, customers: int) -> dict[str, Any]:
    """Replay over the snapshots as they are, and over those of `customers` who were drawn from them, each in a process
    of its own. Raises SnapshotError where a day's are missing.
    """
    PartitionDays(SnapshotStore(snapshots), walk.segments).check(walk.days)
    own = in_another_process(walk_measured, walk, snapshots)
    with tempfile.TemporaryDirectory(prefix="journeys-bench-") as folder:
        in_another_process(bootstrap, snapshots, Path(folder), walk.days, walk.segments, customers)
        many = in_another_process(walk_measured, walk, Path(folder))
    found, base = _figures(many), _figures(own)
    return {
        "customers": customers,
        "days": len(walk.days),
        "drawn": found,
        "own": base,
        "times_the_customers": _ratio(found["customer_days"], base["customer_days"]),
        "times_the_seconds": _ratio(found["seconds"], base["seconds"]),
    }


def figures(found: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    """The rows of a table."""
    for name in ("own", "drawn"):
        one = found[name]
        yield (name, "time", f"{one['seconds']:.1f} s, {one['cpu']:.1f} s of CPU")
        yield (name, "customers and days a second", f"{one['rows_per_second']:,}")
        yield (name, "last third of the days, against the first", f"{one['last_against_first']:.2f} times the time")
        yield (name, "peak of memory", f"{one['peak_mib']:,.0f} MiB, {one['peak_growth']:.2f} times that at a third")
    more = f"{found['times_the_seconds']:.1f} times the time"
    yield ("drawn", "against own", f"{more} for {found['times_the_customers']:.1f} times the customers")


def walk_measured(walk: Walk, snapshots: Path) -> Measured:
    """Replay and look at the clock and the memory before each day."""
    began: list[float] = []
    peaks: list[float] = []

    def look(_day: date, _done: int, _total: int) -> None:
        began.append(monotonic())
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / MEBIBYTE)

    past = PartitionDays(SnapshotStore(snapshots), walk.segments)
    started = process_time()
    replayed = replay(walk.documents, walk.days, past, actions=walk.actions(), progress=look)
    look(walk.days[-1], len(walk.days), len(walk.days))
    return Measured(replayed, process_time() - started, began, peaks)


def _figures(measured: Measured) -> dict[str, Any]:
    third = max(len(measured.began) // PARTS, 1)
    lengths = [later - earlier for earlier, later in zip(measured.began, measured.began[1:], strict=False)]
    replayed = measured.replayed
    return {
        "seconds": round(replayed.seconds, 3),
        "cpu": round(measured.cpu, 3),
        "customer_days": replayed.customer_days,
        "rows_per_second": round(replayed.rows_per_second),
        "rows": dict(replayed.digest.rows),
        "entered": dict(replayed.entered),
        "hash": replayed.hash,
        "last_against_first": _ratio(sum(lengths[-third:]), sum(lengths[:third])),
        "peak_mib": round(measured.peaks[-1], 1),
        "peak_growth": _ratio(measured.peaks[-1], measured.peaks[third]),
    }


def _ratio(one: float, other: float) -> float:
    return round(one / other, 3) if other else 0.0
