"""The engine of another process: built from its recipe, kept from one piece of a run's work to the next."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

from journey_pipelines.engine.compute import EngineRecipe, SnapshotIds
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.ports import Run
from journey_pipelines.engine.variables import World

_ONE_AT_A_TIME: Final = threading.Lock()  # a worker with several threads would share the snapshots' open files


@contextmanager
def built(recipe: EngineRecipe, snapshots: SnapshotIds, run: Run) -> Iterator[tuple[Engine, World]]:
    """The engine and the run's world, for one thread at a time. Raises SnapshotError where a snapshot is gone."""
    with _ONE_AT_A_TIME:
        yield _built(recipe, snapshots, run)


@lru_cache(maxsize=1)
def _built(recipe: EngineRecipe, snapshots: SnapshotIds, run: Run) -> tuple[Engine, World]:
    engine = recipe.build(snapshots)
    return engine, World(engine.source.at(run.as_of))
