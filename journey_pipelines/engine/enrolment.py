"""Enrol: who enters a journey at this run, decided over whole columns."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from journey_pipelines.engine import calendar
from journey_pipelines.engine.facts import SnapshotSource
from journey_pipelines.engine.frames import EXECUTIONS, JSON, TIME, conform
from journey_pipelines.engine.identity import execution_ids
from journey_pipelines.engine.ports import SnapshotCounts, StoreTransaction
from journey_pipelines.engine.variables import ContextColumns, World
from journey_pipelines.journeys.durations import Duration
from journey_pipelines.journeys.journey import Journey

REFUSED_UNFINISHED = "the customer is in the journey already"
REFUSED_REENTRY = "the customer has been in the journey before and may not re-enter yet"
REFUSED_TWICE = "the customer is started twice in one run"


@dataclass(frozen=True)
class Entrants:
    """Who enters: new EXECUTIONS rows, and what became of the manual starts (start_id, status, reason)."""

    executions: pd.DataFrame
    starts: pd.DataFrame


def select_entrants(
    journey: Journey,
    world: World,
    source: SnapshotSource,
    accepted: SnapshotCounts | None,
    transaction: StoreTransaction,
    *,
    only_manual: bool = False,
) -> Entrants:
    """The entrants of one journey at one run: manual starts first, then segment and rules, by customer id."""
    starts = transaction.waiting_starts(journey.key, world.facts.as_of)
    starts = starts.assign(via="manual").loc[:, ["start_id", "customer_id", "context", "via"]]
    nobody = pd.Index([], dtype="str")
    members = nobody if only_manual else candidates(journey, world, source, accepted, transaction)
    automatic = pd.DataFrame({"customer_id": members.astype("str"), "via": "entry"})
    automatic["start_id"] = pd.array([None] * len(members), dtype="str")
    automatic["context"] = pd.Series([{} for _ in range(len(members))], dtype=JSON)
    everybody = pd.concat([starts, automatic], ignore_index=True)
    refusal = _refusals(journey, everybody, world, transaction)
    chosen = everybody[refusal.isna()].reset_index(drop=True)
    settled = everybody.assign(status=np.where(refusal.isna(), "entered", "refused"), reason=refusal.astype("str")).loc[
        everybody["via"] == "manual", ["start_id", "status", "reason"]
    ]
    return Entrants(_new_executions(journey, chosen, world, transaction), settled.reset_index(drop=True))


def candidates(
    journey: Journey,
    world: World,
    source: SnapshotSource,
    accepted: SnapshotCounts | None,
    transaction: StoreTransaction,
) -> pd.Index:
    """Customers whom segment and entry rule admit, sorted; re-entry is not looked at yet."""
    entry = journey.entry
    if entry.segment is not None:
        pool = _segment_candidates(journey, world, source, accepted)
    elif entry.rule is not None:
        pool = world.features.index
    else:
        return pd.Index([], dtype="str")
    pool = pool.unique().sort_values()
    if entry.rule is None or len(pool) == 0:
        return pool
    context = ContextColumns(
        journey_key=journey.key,
        customer_ids=pd.Series(pool),
        contexts=None,
        declared=entry.context,
        world=world,
        transaction=transaction,
    )
    has_features = context.feature_rows >= 0
    return pool[entry.rule.mask(context.frame(entry.rule)) & has_features]


def _segment_candidates(
    journey: Journey, world: World, source: SnapshotSource, accepted: SnapshotCounts | None
) -> pd.Index:
    """Members (`member`), or those who are new since the snapshot that the journey accepted last (`join`)."""
    segment = journey.entry.segment or ""
    members = world.members(segment)
    if journey.entry.on == "member":
        return members
    before = accepted.segments.get(segment) if accepted is not None else None
    if before is None:
        return members if journey.entry.include_existing else members[:0]
    snapshot = world.facts.segments.get(segment)
    if snapshot is None or before[0] == snapshot.snapshot_id:
        return members[:0]
    return members.difference(source.members(segment, before[0]))


def _refusals(journey: Journey, people: pd.DataFrame, world: World, transaction: StoreTransaction) -> pd.Series:
    """Why each one may not enter, null for those who may."""
    known = transaction.entries(journey.key, pd.Index(people["customer_id"].unique())).set_index("customer_id")
    past = known.reindex(people["customer_id"]).reset_index(drop=True)
    is_unfinished = past["is_unfinished"].eq(True)  # noqa: FBT003 - an element-wise comparison
    has_entered = past["entry_number"].notna()
    last = people.assign(entered_at=past["entered_at"].astype(TIME))
    refusal = pd.Series([None] * len(people), dtype="str")
    refusal = refusal.mask(people["customer_id"].duplicated(), REFUSED_TWICE)
    refusal = refusal.mask(has_entered & ~_may_return(journey, last, world), REFUSED_REENTRY)
    return refusal.mask(is_unfinished, REFUSED_UNFINISHED)


def _may_return(journey: Journey, last: pd.DataFrame, world: World) -> pd.Series:
    """Whether the last entry (`entered_at`) of these customers allows another one `via` entry or a manual start.

    One partition (UTC date) never enrols a customer twice by itself, however short the interval.
    """
    reentry, as_of = journey.entry.reentry, pd.Timestamp(world.facts.as_of)
    if reentry == "never":
        return pd.Series(data=False, index=last.index)
    is_other_day = last["entered_at"].dt.floor("D") != as_of.floor("D")
    may_return = is_other_day | (last["via"] == "manual")
    if isinstance(reentry, Duration):
        zones = world.zones(last["customer_id"], journey.timezone)
        may_return &= calendar.add(last["entered_at"].fillna(as_of), zones, reentry) <= as_of
    return may_return


def _new_executions(
    journey: Journey, chosen: pd.DataFrame, world: World, transaction: StoreTransaction
) -> pd.DataFrame:
    """EXECUTIONS rows at the start node, due at once."""
    as_of = pd.Timestamp(world.facts.as_of)
    known = transaction.entries(journey.key, pd.Index(chosen["customer_id"])).set_index("customer_id")["entry_number"]
    numbers = known.reindex(chosen["customer_id"]).fillna(0).astype("int64").to_numpy() + 1
    has_features = world.features.positions(chosen["customer_id"]) >= 0
    frame = chosen[["customer_id", "context"]].assign(
        execution_id=execution_ids(journey.key, chosen["customer_id"], numbers),
        journey_key=journey.key,
        journey_version=journey.version,
        entry_number=numbers,
        entered_via=chosen["via"],
        state="NOT_STARTED",
        current_node_id=journey.start,
        visit=1,
        due_at=as_of,
        entered_at=as_of,
        arrived_at=as_of,
        missing_since=pd.Series(as_of, index=chosen.index, dtype=TIME).mask(has_features),
    )
    return conform(frame, EXECUTIONS)
