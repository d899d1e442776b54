"""What the steps of a pass hand to one another: the engine's parts, and the pass itself."""

from dataclasses import dataclass, field, replace

from journey_pipelines.engine.compute import IN_PROCESS, Compute, EngineRecipe
from journey_pipelines.engine.facts import SnapshotSource
from journey_pipelines.engine.planning import Plan
from journey_pipelines.engine.ports import Dispatcher, JourneyStore, Run
from journey_pipelines.engine.variables import World
from journey_pipelines.journeys.catalog import Catalog

CHUNK_ROWS = 50_000


@dataclass(frozen=True)
class Engine:
    """What every pass needs: a store, a source of snapshots, a way to dispatch, and what documents may name."""

    store: JourneyStore
    source: SnapshotSource
    dispatcher: Dispatcher
    catalog: Catalog
    chunk_rows: int = CHUNK_ROWS
    compute: Compute = IN_PROCESS
    recipe: EngineRecipe | None = None  # None: all work is done in this process, whatever `compute` is
    send_rows: int | None = None  # handed over at once, so many a crash leaves of unknown fate; None: `chunk_rows`

    @property
    def rows_to_send(self) -> int:
        """How many dispatches are handed over at once."""
        return self.chunk_rows if self.send_rows is None else self.send_rows


@dataclass(frozen=True)
class Pass:
    """One run of the engine: over which facts, and which journeys may move."""

    engine: Engine
    run: Run
    world: World
    plan: Plan
    faults: dict[str, str] = field(default_factory=dict)  # journey key -> what it raised; it is held from then on

    @property
    def keys(self) -> list[str]:
        """Keys of the journeys that may move: highest priority first, then by key."""
        return [key for key in self.plan.keys if key not in self.faults]

    def with_plan(self, plan: Plan) -> "Pass":
        """The same pass with other journeys held."""
        return replace(self, plan=plan)
