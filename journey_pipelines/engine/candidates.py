"""Candidates: whom segment and features offer to a journey, and whom of them its entry rule admits.

Looked at by range of shards, here or in other processes. Does not belong here: re-entry, and anything that is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import pandas as pd

from journey_pipelines.engine.built import built
from journey_pipelines.engine.compute import EngineRecipe, SnapshotIds
from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.facts import Snapshot
from journey_pipelines.engine.planning import plan_versions
from journey_pipelines.engine.ports import Run, SnapshotCounts, StoreTransaction
from journey_pipelines.engine.shards import ALL, SHARDS, Shards
from journey_pipelines.engine.variables import ContextColumns, World
from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.journey import Journey


@dataclass(frozen=True)
class EntryRange:
    """What one process is to look at: the candidates of a range of shards for one version of a journey."""

    recipe: EngineRecipe = field(repr=False)  # it may hold a password
    snapshots: SnapshotIds
    run: Run
    version: tuple[str, int]  # journey key, version
    pool: "PoolIds"
    shards: Shards


@dataclass(frozen=True)
class PoolIds:
    """Which snapshot offers customers (`segment`, or the features where it is None), and which one takes off."""

    is_open: bool
    segment: str | None = None
    before: str | None = None  # id of an earlier snapshot of the segment, whose members are not new

    @staticmethod
    def of(journey: Journey, world: World, accepted: SnapshotCounts | None) -> "PoolIds":
        """All customers of a snapshot (`member`), or those who are new since the accepted one (`join`)."""
        entry = journey.entry
        if entry.segment is None:
            return PoolIds(is_open=entry.rule is not None)
        if entry.on == "member":
            return PoolIds(is_open=True, segment=entry.segment)
        before = accepted.segments.get(entry.segment) if accepted is not None else None
        if before is None:
            return PoolIds(is_open=entry.include_existing, segment=entry.segment)
        snapshot = world.facts.segments.get(entry.segment)
        if snapshot is None or before[0] == snapshot.snapshot_id:
            return PoolIds(is_open=False)
        return PoolIds(is_open=True, segment=entry.segment, before=before[0])


def admitted(
    one: Pass, journey: Journey, accepted: SnapshotCounts | None, transaction: StoreTransaction
) -> Iterator[tuple[Shards, pd.Index]]:
    """Whom the entry rule admits, one small range of shards after the other.

    The ranges cover all shards. Raises SnapshotError where the snapshot that was accepted last is gone.
    """
    engine, world = one.engine, one.world
    pool = PoolIds.of(journey, world, accepted)
    if engine.compute.ranges == 1 or engine.recipe is None or journey.entry.rule is None or not pool.is_open:
        yield from _admitted(one, journey, pool, ALL, transaction)
        return
    whole = EntryRange(
        recipe=engine.recipe,
        snapshots=SnapshotIds.of(world.facts),
        run=one.run,
        version=(journey.key, journey.version),
        pool=pool,
        shards=ALL,
    )
    ranges = (replace(whole, shards=shards) for shards in ALL.split(engine.compute.ranges))
    for some in engine.compute.map(select_range, ranges):
        yield from some


def select_range(item: EntryRange) -> list[tuple[Shards, pd.Index]]:
    """Whom the rule admits there, in any process; nothing is written.

    Raises SnapshotError, StoreUnavailableError, and what the rule raises.
    """
    with built(item.recipe, item.snapshots, item.run) as (engine, world):
        plan = engine.store.transact(partial(plan_versions, catalog=engine.catalog, wanted=frozenset({item.version})))
        if item.version not in plan.versions:
            key, version = item.version
            raise JourneysError(plan.held.get(key, f"broken_version: version {version} of {key} is not in the store"))
        one = Pass(engine, item.run, world, plan)
        select = partial(_listed, one, plan.versions[item.version], item.pool, item.shards)
        return engine.store.transact(select)


def _listed(
    one: Pass, journey: Journey, pool: PoolIds, shards: Shards, transaction: StoreTransaction
) -> list[tuple[Shards, pd.Index]]:
    return list(_admitted(one, journey, pool, shards, transaction))


def _admitted(
    one: Pass, journey: Journey, pool: PoolIds, shards: Shards, transaction: StoreTransaction
) -> Iterator[tuple[Shards, pd.Index]]:
    now, before = _snapshots(one, pool)
    for some in shards.split(max(one.world.facts.parts * len(shards) // SHARDS, 1)):
        customers = pd.Index([], dtype="str") if now is None else now.customers(some)
        if before is not None:
            customers = customers.difference(before.customers(some))
        yield some, _by_rule(journey, customers, one.world, transaction)


def _snapshots(one: Pass, pool: PoolIds) -> tuple[Snapshot | None, Snapshot | None]:
    """Who is offered, and who of them is not new."""
    if not pool.is_open:
        return None, None
    if pool.segment is None:
        return one.world.features, None
    before = None if pool.before is None else one.engine.source.segment(pool.segment, pool.before)
    return one.world.segment(pool.segment), before


def _by_rule(journey: Journey, customers: pd.Index, world: World, transaction: StoreTransaction) -> pd.Index:
    """Those whom the entry rule admits; re-entry is not looked at yet."""
    entry = journey.entry
    if entry.rule is None or len(customers) == 0:
        return customers
    context = ContextColumns(
        journey_key=journey.key,
        customer_ids=pd.Series(customers),
        contexts=None,
        declared=entry.context,
        world=world,
        transaction=transaction,
    )
    has_features = context.feature_rows >= 0
    return customers[entry.rule.mask(context.frame(entry.rule)) & has_features]
