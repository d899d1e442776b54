"""The replays of one `journeys replay`: over the same days, one after the other or in processes side by side."""

import gc
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

from journey_pipelines.cli.installation import readings
from journey_pipelines.cli.output import progress_bar
from journey_pipelines.compute.local_processes import LocalProcesses
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.live import prepare_day
from journey_pipelines.reading import Readings
from journey_pipelines.replay import Kept, PartitionDays, Progress, Replayed, ResponseModel, Walked
from journey_pipelines.replay import replay as walk

OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000


@dataclass(frozen=True)
class Walks:
    """What all have in common: what is read, the days, and what actions are answered with."""

    parts: Readings
    days: Sequence[date]
    response: ResponseModel

    @property
    def past(self) -> PartitionDays:
        """The snapshots of these days."""
        return past_of(self.parts)

    def build(self) -> None:
        """Build the snapshots that are missing."""
        missing = sorted({day for day, _ in self.past.missing(self.days)})
        with progress_bar("Snapshots") as progress:
            for number, day in enumerate(missing):
                progress(str(day), number, len(missing))
                prepare_day(self.parts, day)

    def one(self, document: Mapping[str, Any], *, keeps: bool) -> Walked:
        """Walk one journey; with its rows where it `keeps` them."""
        with progress_bar(f"Replay of {document['key']}") as progress:
            asked = Asked(document, self.days, self.response, keeps)
            replayed, kept = walked(asked, self.parts, lambda day, done, total: progress(str(day), done, total))
        return Walked(compile_journey(document, self.parts.catalog), replayed, kept)

    def apart(self, documents: Sequence[Mapping[str, Any]], *, keeps: bool) -> list[Walked]:
        """Walk each as if it were alone, as many at once as there are cores."""
        self.past.check(self.days)
        asked = [Asked(document, self.days, self.response, keeps) for document in documents]
        processes = LocalProcesses(min(os.cpu_count() or 1, len(documents)))
        try:
            found = list(processes.map(walked_elsewhere, asked))
        finally:
            processes.close()
        compiled = [compile_journey(document, self.parts.catalog) for document in documents]
        return [Walked(journey, *one) for journey, one in zip(compiled, found, strict=True)]


@dataclass(frozen=True)
class Asked:
    """One walk, as another process gets it."""

    document: Mapping[str, Any]
    days: Sequence[date]
    response: ResponseModel
    keeps: bool

    def __str__(self) -> str:
        return f"the replay of {self.document['key']}"


def walked_elsewhere(asked: Asked) -> tuple[Replayed, Kept]:
    """In a process that has this one's environment and folder, and nothing else to do."""
    # what imports left behind stays, and a walk makes no cycles to speak of: looking for garbage cost a twentieth
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    return walked(asked, readings(), None)


def walked(asked: Asked, parts: Readings, progress: Progress | None) -> tuple[Replayed, Kept]:
    """What it came to, and its rows."""
    kept = Kept()
    run = partial(walk, actions=parts.actions, response=asked.response, policy=parts.policy, progress=progress)
    history = kept if asked.keeps else None
    return run([asked.document], asked.days, past_of(parts), history=history), kept


def past_of(parts: Readings) -> PartitionDays:
    """The daily partitions that are read."""
    return PartitionDays(parts.snapshots, parts.warehouse.segments())
