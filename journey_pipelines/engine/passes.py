"""One pass of the engine, and the only way to run it: plan, enrol, then advance and deliver until all are blocked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from journey_pipelines.engine import outbox
from journey_pipelines.engine.admission import admit
from journey_pipelines.engine.facts import Facts, SnapshotSource
from journey_pipelines.engine.movement import Chunk, grace_began, walk
from journey_pipelines.engine.planning import Plan, make_plan
from journey_pipelines.engine.ports import Dispatcher, JourneyStore, Run
from journey_pipelines.engine.resume import resume
from journey_pipelines.engine.variables import World
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import Journey

CHUNK_ROWS = 50_000


@dataclass(frozen=True)
class Engine:
    """What every pass needs: a store, a source of snapshots, a way to dispatch, and what documents may name."""

    store: JourneyStore
    source: SnapshotSource
    dispatcher: Dispatcher
    catalog: Catalog
    chunk_rows: int = CHUNK_ROWS


@dataclass
class Report:
    """What a pass did: figures for the run's summary, and the journeys that it held."""

    run: Run
    entered: dict[str, int] = field(default_factory=dict)
    moved: int = 0
    dispatched: int = 0
    held: dict[str, str] = field(default_factory=dict)
    superseded: list[str] = field(default_factory=list)

    def summary(self) -> Mapping[str, Any]:
        """The figures as JSON."""
        return {
            "entered": self.entered,
            "moved": self.moved,
            "dispatched": self.dispatched,
            "held": self.held,
            "superseded": self.superseded,
        }


def run_pass(engine: Engine, run: Run, *, facts: Facts | None = None) -> Report:
    """Everything that is to be done at `as_of`: entries, movement, deliveries.

    `facts` pins the snapshots; by default the newest on or before `as_of`. Raises UnknownFeatureError before anything
    moves; any other error leaves what was committed, and the next run goes on from there.
    """
    return _run(engine, run, facts, enrols=True, delivers=True)


def advance_pass(engine: Engine, run: Run, *, facts: Facts | None = None, delivers: bool = True) -> Report:
    """Movement (and deliveries) of what is due at `as_of`, without entries."""
    return _run(engine, run, facts, enrols=False, delivers=delivers)


def enrol_pass(engine: Engine, run: Run, *, facts: Facts | None = None) -> Report:
    """Entries only."""
    return _run(engine, run, facts, enrols=True, delivers=False, moves=False)


def start_pass(engine: Engine, run: Run, *, facts: Facts | None = None) -> Report:
    """Entries of manual starts only, between the runs of the partitions: no snapshot is accepted.

    A sweep at noon that accepted snapshots would supersede the partition of the day before, which may still be built.
    """
    return _run(engine, run, facts, enrols=True, delivers=False, moves=False, only_manual=True)


def _run(
    engine: Engine,
    run: Run,
    facts: Facts | None,
    *,
    enrols: bool,
    delivers: bool,
    moves: bool = True,
    only_manual: bool = False,
) -> Report:
    world = World(facts if facts is not None else engine.source.at(run.as_of))
    report = Report(run)
    with engine.store.run_lock(run.run_id):
        with engine.store.transaction() as transaction:
            plan = make_plan(transaction, engine.catalog, world.facts)
            transaction.open_run(run)
        admission = admit(
            plan,
            world,
            run,
            engine.store,
            engine.source,
            engine.dispatcher,
            engine.catalog,
            enrols=enrols,
            only_manual=only_manual,
        )
        report.entered, report.held = admission.entered, admission.held
        report.superseded = admission.superseded
        plan = admission.plan
        if moves:
            _move(engine, plan, world, run, report, delivers=delivers)
        with engine.store.transaction() as transaction:
            transaction.close_run(run.run_id, report.summary())
    return report


def _move(engine: Engine, plan: Plan, world: World, run: Run, report: Report, *, delivers: bool) -> None:
    """Advance everybody who is due; then deliver, apply results and advance those again, until nothing is pending."""
    rows = engine.chunk_rows
    if delivers:
        outbox.adopt_unknown(engine.store, plan, engine.dispatcher, run, chunk_rows=rows)
    report.moved += _advance(engine, plan, world, run, results_only=False)
    while delivers:
        count = outbox.deliver_pending(engine.store, plan, world, engine.dispatcher, run, chunk_rows=rows)
        if not count:
            return
        report.dispatched += count
        report.moved += _advance(engine, plan, world, run, results_only=True)


def _advance(engine: Engine, plan: Plan, world: World, run: Run, *, results_only: bool) -> int:
    moved = 0
    for key in plan.keys:
        for journey in plan.versions_of(key):
            moved += _advance_version(engine, journey, world, run, results_only=results_only)
    return moved


def _advance_version(engine: Engine, journey: Journey, world: World, run: Run, *, results_only: bool) -> int:
    """Chunk by chunk, each in one transaction; returns how many executions changed."""
    after, moved = "", 0
    while True:
        with engine.store.transaction() as transaction:
            frame = transaction.take_due(
                journey.key,
                journey.version,
                as_of=run.as_of,
                missing_before=grace_began(journey, run),
                results_only=results_only,
                after=after,
                limit=engine.chunk_rows,
            )
            if not len(frame):
                return moved
            chunk = Chunk(journey, run, world, transaction, frame)
            resume(chunk, dict(engine.catalog.actions))
            walk(chunk)
            changed = chunk.changes()
            transaction.save(changed)
        moved += len(changed.executions)
        after = frame["execution_id"].iloc[-1]
