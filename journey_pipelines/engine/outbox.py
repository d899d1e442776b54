"""Deliver: let pending dispatches leave in bulk, and apply their results. Intent is committed before a send."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from journey_pipelines.engine import calendar, results
from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, TIME, TRANSITIONS, conform, empty, stack
from journey_pipelines.engine.planning import Plan
from journey_pipelines.engine.ports import (
    Changes,
    Departure,
    DepartureContext,
    Dispatcher,
    JourneyStore,
    Run,
    StoreTransaction,
)
from journey_pipelines.engine.variables import ContextColumns, World
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.nodes import ActionNode


def deliver_pending(
    store: JourneyStore, plan: Plan, world: World, dispatcher: Dispatcher, run: Run, *, chunk_rows: int
) -> int:
    """Let everything pending leave, chunk by chunk; returns how many dispatches were looked at.

    Three steps for each chunk: one transaction that settles consent and commits `sending`, the delivery itself outside
    any transaction, and one transaction that applies the results together with effects in our own store.
    """
    count = 0
    while True:
        with store.transaction() as transaction:
            pending = transaction.take_dispatches(as_of=run.as_of, journey_keys=plan.keys, limit=chunk_rows)
            if not len(pending):
                return count
            leaving = _depart(pending, plan, world, dispatcher, run, transaction)
        count += len(pending)
        answers = dispatcher.deliver(leaving) if len(leaving) else None
        if answers is None:
            continue
        with store.transaction() as transaction:
            _record(leaving, answers, plan, dispatcher, run, transaction)


def adopt_unknown(store: JourneyStore, plan: Plan, dispatcher: Dispatcher, run: Run, *, chunk_rows: int) -> int:
    """Ask after dispatches whose fate nobody knows, those that a dead run left behind while sending among them.

    What the provider knows is settled, what provably never left is pending again, the rest waits for `settle_after`.
    Returns how many were settled.
    """
    with store.transaction() as transaction:
        transaction.abandon_sending()
        keys = plan.keys
        unknown = transaction.take_dispatches(as_of=run.as_of, journey_keys=keys, status="unknown", limit=chunk_rows)
    if not len(unknown):
        return 0
    known = dispatcher.reconcile(unknown)
    with store.transaction() as transaction:
        again = transaction.take_dispatches(as_of=run.as_of, journey_keys=keys, status="unknown", limit=chunk_rows)
        never_left = again["key"].isin(known.loc[known["status"] == "retry", "key"])
        _send_again(again[never_left].reset_index(drop=True), transaction)
        has_answer = again["key"].isin(known.loc[known["status"] != "retry", "key"])
        _record(again[has_answer].reset_index(drop=True), known, plan, dispatcher, run, transaction)
        fresh = again[~never_left & ~has_answer & again["next_at"].isna()].reset_index(drop=True)
        if len(fresh):
            _apply(fresh, plan, run, transaction)
    return int(has_answer.sum() + never_left.sum())


def _send_again(dispatches: pd.DataFrame, transaction: StoreTransaction) -> None:
    """Pending once more, as if the attempt had never been made."""
    again = dispatches.assign(
        status="pending", attempt=dispatches["attempt"] - 1, left_at=pd.NaT, next_at=pd.NaT, reason=None
    )
    transaction.save_dispatches(conform(again, DISPATCHES))


def departure_context(
    dispatches: pd.DataFrame,
    executions: pd.DataFrame,
    plan: Plan,
    world: World,
    run: Run,
    transaction: StoreTransaction,
) -> DepartureContext:
    """What consent and rendering read, aligned with the dispatches; `executions` are theirs, in the same order."""
    variables = DispatchVariables(dispatches, executions, plan.versions, world, transaction)
    zones = variables.zones()
    stale_before = pd.Series(pd.NaT, index=dispatches.index, dtype=TIME)
    now = pd.Series(pd.Timestamp(run.as_of), index=dispatches.index, dtype=TIME)
    for journey, rows in variables.groups:
        if journey.stale_after is not None:
            aged = calendar.add(now.take(rows), zones.take(rows), -journey.stale_after)
            stale_before.iloc[rows] = aged.array
    return DepartureContext(run.as_of, variables, zones, stale_before)


class DispatchVariables:
    """Variables of dispatches of several journeys at once: each journey's columns, put together by row."""

    def __init__(
        self,
        dispatches: pd.DataFrame,
        executions: pd.DataFrame,
        journeys: Mapping[tuple[str, int], Journey],
        world: World,
        transaction: StoreTransaction,
    ) -> None:
        self._dispatches = dispatches
        self.groups: list[tuple[Journey, np.ndarray]] = []
        self._columns: list[ContextColumns] = []
        keys = dispatches.groupby(["journey_key", "journey_version"], sort=False).indices
        for (key, version), rows in keys.items():
            journey = journeys[(key, version)]
            self.groups.append((journey, rows))
            self._columns.append(
                ContextColumns(
                    journey_key=journey.key,
                    customer_ids=dispatches["customer_id"].take(rows),
                    contexts=executions["context"].to_numpy()[rows],
                    declared=journey.entry.context,
                    world=world,
                    transaction=transaction,
                )
            )

    def column(self, path: str) -> pd.Series:
        """Object Series, one value for each row; None where null or absent."""
        values = np.full(len(self._dispatches), None, dtype=object)
        for (_, rows), context in zip(self.groups, self._columns, strict=True):
            values[rows] = context.column(path).to_numpy()
        return pd.Series(values, index=self._dispatches.index, dtype=object)

    def configs(self) -> pd.Series:
        """The action node's config of each row; rows of one node share one object."""
        configs = np.full(len(self._dispatches), None, dtype=object)
        for journey, rows in self.groups:
            names = self._dispatches["node_id"].take(rows).to_numpy()
            for node in journey.nodes.values():
                if isinstance(node, ActionNode):
                    here = rows[names == node.id]
                    configs[here] = np.array([node.config] * len(here) + [None], dtype=object)[:-1]
        return pd.Series(configs, index=self._dispatches.index, dtype=object)

    def zones(self) -> pd.Series:
        """Time zone of each row's customer: the profile's, else the journey's."""
        zones = np.full(len(self._dispatches), "UTC", dtype=object)
        for (journey, rows), context in zip(self.groups, self._columns, strict=True):
            usable = calendar.usable_zones(context.zones(journey.timezone), journey.timezone)
            zones[rows] = usable.to_numpy()
        return pd.Series(zones, index=self._dispatches.index, dtype="str")


def depart(
    pending: pd.DataFrame, plan: Plan, world: World, dispatcher: Dispatcher, run: Run, transaction: StoreTransaction
) -> Departure:
    """Part pending dispatches into leaving, settled and deferred; writes nothing."""
    executions = _executions_of(pending, transaction)
    context = departure_context(pending, executions, plan, world, run, transaction)
    return dispatcher.depart(pending, context, transaction)


def _depart(
    pending: pd.DataFrame, plan: Plan, world: World, dispatcher: Dispatcher, run: Run, transaction: StoreTransaction
) -> pd.DataFrame:
    """Commit what leaves as `sending`; settle and defer the others with their executions. Returns what leaves."""
    departure = depart(pending, plan, world, dispatcher, run, transaction)
    features = world.facts.features
    traced = {"run_id": run.run_id, "snapshot_id": features.snapshot_id if features is not None else None}
    leaving = departure.leaving.assign(
        status="sending",
        attempt=departure.leaving["attempt"] + 1,
        left_at=pd.Timestamp(run.as_of),
        next_at=pd.NaT,
        **traced,
    )
    leaving = conform(leaving, DISPATCHES)
    transaction.save_dispatches(leaving)
    staying = stack([departure.settled, departure.deferred], DISPATCHES).assign(**traced)
    if len(staying):
        _apply(conform(staying, DISPATCHES), plan, run, transaction)
    return leaving


def _record(
    leaving: pd.DataFrame,
    answers: pd.DataFrame,
    plan: Plan,
    dispatcher: Dispatcher,
    run: Run,
    transaction: StoreTransaction,
) -> None:
    """Apply answers, with the effects of sent ones in our own store, in this transaction."""
    if not len(leaving):
        return
    dispatches = results.answered(leaving, answers)
    effects = dispatcher.perform(dispatches[dispatches["status"] == "sent"].reset_index(drop=True), transaction)
    if len(effects):
        found = effects.set_index("key").reindex(dispatches["key"])
        merged = np.empty(len(dispatches), dtype=object)
        merged[:] = [
            {**result, **extra} if isinstance(extra, dict) else result
            for result, extra in zip(dispatches["result"], found["result"], strict=True)
        ]
        status = pd.Series(found["status"].to_numpy(), index=dispatches.index)
        dispatches = dispatches.assign(result=merged, status=status.where(status.notna(), dispatches["status"]))
    nodes = {
        (key, version, node.id): node
        for (key, version), journey in plan.versions.items()
        for node in journey.nodes.values()
        if isinstance(node, ActionNode)
    }
    _apply(results.limit_retries(dispatches, nodes), plan, run, transaction)


def _apply(dispatches: pd.DataFrame, plan: Plan, run: Run, transaction: StoreTransaction) -> None:
    """Write dispatches and what they make of their executions."""
    next_at = results.next_tries(dispatches, dict(plan.versions), run.as_of)
    settled = conform(results.settle(dispatches.assign(next_at=next_at), run.as_of), DISPATCHES)
    executions = results.advance_executions(_executions_of(settled, transaction), settled)
    transaction.save(
        Changes(
            executions=conform(executions, EXECUTIONS),
            transitions=empty(TRANSITIONS),
            dispatches=empty(DISPATCHES),
            dispatch_updates=settled,
            used_event_ids=pd.Index([], dtype="str"),
        )
    )


def _executions_of(dispatches: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
    """The execution of each dispatch, row by row. An execution has one unsettled dispatch at most."""
    ids = pd.Index(dispatches["execution_id"])
    found = transaction.lock_executions(ids)
    order = pd.Index(found["execution_id"]).get_indexer(ids)
    return found.take(order).reset_index(drop=True)
