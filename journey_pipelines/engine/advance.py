"""Advance: everybody who is due moves on, chunk by chunk, each in one transaction; in ranges of shards elsewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from journey_pipelines.engine.built import built
from journey_pipelines.engine.claimed import move_claimed
from journey_pipelines.engine.compute import EngineRecipe, SnapshotIds
from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.grace import grace_may_be_over
from journey_pipelines.engine.isolation import contained
from journey_pipelines.engine.planning import plan_versions
from journey_pipelines.engine.ports import Run, StoreTransaction
from journey_pipelines.engine.shards import ALL, Shards
from journey_pipelines.journeys.journey import Journey


@dataclass(frozen=True)
class Shard:
    """What one process is to move: the due executions of a range of shards, in the journeys that the run admitted."""

    recipe: EngineRecipe = field(repr=False)  # it may hold a password
    snapshots: SnapshotIds
    run: Run
    versions: tuple[tuple[str, int], ...]  # (journey key, version) of those that may move
    shards: Shards
    results_only: bool
    chunk_rows: int


@dataclass(frozen=True)
class ShardOutcome:
    """How many moves were committed, and what each journey raised that is to be held."""

    moved: int
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """Whose due executions are moved, and what each chunk waits for first."""

    shards: Shards = ALL
    results_only: bool = False
    turn: str = ""  # what only one transaction does at a time; empty: nothing is waited for


def advance(one: Pass, *, results_only: bool) -> int:
    """Move everybody who is due, where the engine's compute says; returns how many moves that were."""
    compute, recipe = one.engine.compute, one.engine.recipe
    count = compute.ranges
    if count == 1 or recipe is None:
        return move_due(one, Scope(results_only=results_only))
    moved = 0
    for outcome in compute.map(run_shard, _shards_of(one, recipe, count, results_only=results_only)):
        moved += outcome.moved
        one.faults.update(outcome.faults)
    return moved


def _shards_of(one: Pass, recipe: EngineRecipe, count: int, *, results_only: bool) -> Iterator[Shard]:
    keys = one.keys
    whole = Shard(
        recipe=recipe,
        snapshots=SnapshotIds.of(one.world.facts),
        run=one.run,
        versions=tuple((key, journey.version) for key in keys for journey in one.plan.versions_of(key)),
        shards=ALL,
        results_only=results_only,
        chunk_rows=one.engine.chunk_rows,
    )
    return (replace(whole, shards=shards) for shards in ALL.split(count)) if keys else iter(())


def run_shard(shard: Shard) -> ShardOutcome:
    """Move who is due there, in any process, and commit it chunk by chunk. Again it finds only what is still due.

    Raises StoreUnavailableError, SnapshotError and, in a rehearsal, whatever a journey raises.
    """
    with built(shard.recipe, shard.snapshots, shard.run) as (engine, world):
        engine = replace(engine, chunk_rows=shard.chunk_rows)
        plan = engine.store.transact(partial(plan_versions, catalog=engine.catalog, wanted=frozenset(shard.versions)))
        one = Pass(engine, shard.run, world, plan)
        # a worker that died may have left a transaction that the server has not given up yet; its rows would be passed
        # over as another's, so the same work begins when that is over
        turn = f"moving shards {shard.shards} in run {shard.run.run_id}"
        moved = move_due(one, Scope(shard.shards, shard.results_only, turn))
        return ShardOutcome(moved, {**plan.held, **one.faults})


def move_due(one: Pass, scope: Scope) -> int:
    """Move who is due there, journey by journey in the order of priority; returns how many moves."""
    moved = 0
    for key in one.keys:
        with contained(one, key):
            for journey in one.plan.versions_of(key):
                for count in _advance_version(one, journey, scope):
                    moved += count
    return moved


def _advance_version(one: Pass, journey: Journey, scope: Scope) -> Iterator[int]:
    """Chunk by chunk, each in one transaction; yields how many executions changed.

    A chunk that is tried again claims those who are due then: whom its lost commit moved is not due any more, and the
    chunk after it takes its place.
    """
    after: str | None = ""
    while after is not None:
        moved, after = one.engine.store.transact(partial(_advance_chunk, one, journey, scope, after))
        yield moved


def _advance_chunk(
    one: Pass,
    journey: Journey,
    scope: Scope,
    after: str,
    transaction: StoreTransaction,
) -> tuple[int, str | None]:
    """How many executions changed, and the cursor behind the chunk; None where nobody is left to move."""
    if scope.turn:
        transaction.take_turn(scope.turn)
    if journey.key in transaction.paused():
        return 0, None
    claim = transaction.take_due(
        journey.key,
        journey.version,
        as_of=one.run.as_of,
        missing_before=grace_may_be_over(journey, one.run),
        results_only=scope.results_only,
        after=after,
        limit=one.engine.chunk_rows,
        shards=scope.shards,
    )
    if not len(claim.frame):
        return 0, None
    changes = move_claimed(one, journey, claim.frame, transaction)
    is_full = len(claim.frame) == one.engine.chunk_rows
    return len(changes.executions), claim.cursor if is_full else None
