"""Enrol: who enters a journey at this run, decided over whole columns."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from journey_pipelines.engine import calendar
from journey_pipelines.engine.candidates import admitted
from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.frames import EXECUTIONS, JSON, TIME, conform, empty
from journey_pipelines.engine.identity import execution_ids
from journey_pipelines.engine.ports import SnapshotCounts, StoreTransaction
from journey_pipelines.engine.shards import Shards
from journey_pipelines.engine.variables import World
from journey_pipelines.journeys.durations import Duration
from journey_pipelines.journeys.journey import Journey

REFUSED_UNFINISHED = "the customer is in the journey already"
REFUSED_REENTRY = "the customer has been in the journey before and may not re-enter yet"
REFUSED_TWICE = "the customer is started twice in one run"
ROWS_FOR_AN_ENTRANT = 4  # one who enters, who is looked up and written as several rows, weighs as many who move


@dataclass(frozen=True)
class Entrants:
    """Who enters: new EXECUTIONS rows, and what became of the manual starts (start_id, status, reason)."""

    executions: pd.DataFrame
    starts: pd.DataFrame


def select_entrants(
    one: Pass,
    journey: Journey,
    accepted: SnapshotCounts | None,
    transaction: StoreTransaction,
    *,
    only_manual: bool = False,
) -> Iterator[Entrants]:
    """The entrants of one journey at one run, one range of shards after the other, so that memory stays bounded.

    Ranges that admit few go together, since a look into the store costs nearly the same for few as for many. In each
    manual starts come first, then those by segment and rules, by customer id. Raises SnapshotError where the snapshot
    that the journey accepted last is gone.
    """
    world = one.world
    starts = transaction.waiting_starts(journey.key, world.facts.as_of)
    starts = starts.assign(via="manual").loc[:, ["start_id", "customer_id", "context", "via"]]
    if only_manual:
        yield _entrants(journey, starts, world, transaction)
        return
    enough = one.engine.chunk_rows // ROWS_FOR_AN_ENTRANT
    for shards, members in _gathered(admitted(one, journey, accepted, transaction), enough):
        automatic = pd.DataFrame({"customer_id": members.astype("str"), "via": "entry"})
        automatic["start_id"] = pd.array([None] * len(members), dtype="str")
        automatic["context"] = pd.Series([{} for _ in range(len(members))], dtype=JSON)
        started = starts[shards.mask(starts["customer_id"])]
        yield _entrants(journey, pd.concat([started, automatic], ignore_index=True), world, transaction)


def _gathered(pieces: Iterable[tuple[Shards, pd.Index]], enough: int) -> Iterator[tuple[Shards, pd.Index]]:
    """Neighbouring ranges together, as soon as they have enough customers, sorted by customer id."""
    waiting: list[tuple[Shards, pd.Index]] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(len(members) for _, members in waiting) >= enough:
            yield _together(waiting)
            waiting = []
    if waiting:
        yield _together(waiting)


def _together(pieces: Sequence[tuple[Shards, pd.Index]]) -> tuple[Shards, pd.Index]:
    members = pieces[0][1].append([members for _, members in pieces[1:]])
    return Shards(pieces[0][0].first, pieces[-1][0].end), members.sort_values()


def _entrants(journey: Journey, people: pd.DataFrame, world: World, transaction: StoreTransaction) -> Entrants:
    """Those of the people who may enter, and what became of the manual starts among all."""
    if not len(people):
        return Entrants(empty(EXECUTIONS), people.assign(status="", reason="")[["start_id", "status", "reason"]])
    past = transaction.entries(journey.key, pd.Index(people["customer_id"].unique())).set_index("customer_id")
    past = past.reindex(people["customer_id"]).reset_index(drop=True)
    refusal = _refusals(journey, people, past, world)
    may_enter = refusal.isna()
    settled = people.assign(status=np.where(may_enter, "entered", "refused"), reason=refusal.astype("str")).loc[
        people["via"] == "manual", ["start_id", "status", "reason"]
    ]
    entering = people.assign(entry_number=past["entry_number"].fillna(0).astype("int64") + 1)
    chosen = entering[may_enter].reset_index(drop=True)
    return Entrants(_new_executions(journey, chosen, world), settled.reset_index(drop=True))


def _refusals(journey: Journey, people: pd.DataFrame, past: pd.DataFrame, world: World) -> pd.Series:
    """Why each one may not enter, null for those who may. `past` has the last entry of each, if any."""
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


def _new_executions(journey: Journey, chosen: pd.DataFrame, world: World) -> pd.DataFrame:
    """EXECUTIONS rows at the start node, due at once."""
    as_of = pd.Timestamp(world.facts.as_of)
    has_features = world.features.positions(chosen["customer_id"]) >= 0
    frame = chosen[["customer_id", "context", "entry_number"]].assign(
        execution_id=execution_ids(journey.key, chosen["customer_id"], chosen["entry_number"]),
        journey_key=journey.key,
        journey_version=journey.version,
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
