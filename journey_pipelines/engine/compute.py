"""Where work for ranges of shards is done: here, or in other processes; and how another process builds this engine.

Belongs here: the port, and the way without other processes. The others are in `journey_pipelines/compute/`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from journey_pipelines.engine.facts import Facts

if TYPE_CHECKING:
    from journey_pipelines.engine.engine import Engine

Item = TypeVar("Item")
Result = TypeVar("Result")


class Compute(Protocol):
    """Maps a function over items. Function, items and results are picklable; the work may be done more than once."""

    @property
    def ranges(self) -> int:
        """Into how many ranges of shards the work for all customers is to be cut; 1: it is done here, uncut."""

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results in the order of the items.

        Raises what the work raises. Raises ComputeError where its processes are lost more often than is bearable.
        """

    def close(self) -> None:
        """End what was started for it; it can be used again."""


@dataclass(frozen=True)
class InProcess:
    """One after the other, in this process."""

    ranges: int = 1

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """See Compute."""
        return map(work, items)

    def close(self) -> None:
        """See Compute."""


IN_PROCESS: Final = InProcess()


@dataclass(frozen=True)
class SnapshotIds:
    """Which snapshots a run reads; each id names the content."""

    features: str | None
    segments: tuple[tuple[str, str], ...]  # name, id
    profiles: str  # empty: none

    @staticmethod
    def of(facts: Facts) -> "SnapshotIds":
        """Those of these facts."""
        segments: Mapping[str, str] = {name: snapshot.snapshot_id for name, snapshot in facts.segments.items()}
        features = None if facts.features is None else facts.features.snapshot_id
        return SnapshotIds(
            features, tuple(sorted(segments.items())), "" if facts.profiles is None else facts.profiles.snapshot_id
        )

    def summary(self) -> Mapping[str, Any]:
        """For the figures of a run: what it read, as JSON."""
        return {"features": self.features, "profiles": self.profiles or None, "segments": dict(self.segments)}


class EngineRecipe(Protocol):
    """How another process builds an engine over the same store; picklable."""

    def __hash__(self) -> int:
        """Equal recipes build an engine over the same store."""

    def build(self, snapshots: SnapshotIds) -> "Engine":
        """The engine, whose source gives exactly these snapshots. It need not be able to deliver."""
