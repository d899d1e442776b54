"""Admission: before anything moves, each journey is held or let through, and its entrants are enrolled."""

from dataclasses import dataclass, field, replace

import pandas as pd

from journey_pipelines.engine import guards
from journey_pipelines.engine.enrolment import Entrants, select_entrants
from journey_pipelines.engine.facts import SnapshotSource
from journey_pipelines.engine.frames import EXECUTIONS, empty
from journey_pipelines.engine.planning import Plan
from journey_pipelines.engine.ports import Dispatcher, Hold, JourneyStore, Run, SnapshotCounts, StoreTransaction
from journey_pipelines.engine.rehearsal import count_sends
from journey_pipelines.engine.variables import World
from journey_pipelines.errors import SnapshotError
from journey_pipelines.journeys.catalog import Catalog


@dataclass
class Admission:
    """What became of each journey: how many entered, or why it is held."""

    plan: Plan
    entered: dict[str, int] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    superseded: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Gate:
    """One journey at one run, inside one transaction."""

    key: str
    plan: Plan
    world: World
    run: Run
    transaction: StoreTransaction
    source: SnapshotSource
    dispatcher: Dispatcher
    catalog: Catalog
    enrols: bool
    only_manual: bool

    def select(self, accepted: SnapshotCounts | None) -> Entrants | None:
        if not self.enrols or self.key not in self.plan.open_keys:
            return None
        return select_entrants(
            self.plan.newest[self.key],
            self.world,
            self.source,
            accepted,
            self.transaction,
            only_manual=self.only_manual,
        )

    def limits(self, entrants: Entrants | None) -> str | None:
        """Why the journey's own limits hold it: more entries or more sends than one run may make."""
        journey = self.plan.newest[self.key]
        entering = entrants.executions if entrants is not None else empty(EXECUTIONS)
        reason = guards.too_many("entries", len(entering), journey.max_entries_per_run)
        if reason is not None or journey.max_sends_per_run is None:
            return reason
        sends = count_sends(
            self.plan,
            self.key,
            entering,
            self.world,
            self.run,
            self.transaction,
            self.dispatcher,
            self.catalog,
        )
        return guards.too_many("sends", sends, journey.max_sends_per_run)


def admit(
    plan: Plan,
    world: World,
    run: Run,
    store: JourneyStore,
    source: SnapshotSource,
    dispatcher: Dispatcher,
    catalog: Catalog,
    *,
    enrols: bool,
    only_manual: bool = False,
) -> Admission:
    """Each journey in one transaction of its own: guards, entries, acceptance. Held journeys are marked in the plan.

    With `only_manual` nobody enters but manual starts, and the snapshots are not accepted: they belong to a later run.
    """
    admission = Admission(plan)
    for key in plan.keys:
        with store.transaction() as transaction:
            gate = _Gate(key, plan, world, run, transaction, source, dispatcher, catalog, enrols, only_manual)
            _pass_gate(gate, admission)
    closed = {**admission.held, **dict.fromkeys(admission.superseded, "superseded")}
    admission.plan = replace(plan, held=closed)
    return admission


def _pass_gate(gate: _Gate, admission: Admission) -> None:
    key, transaction = gate.key, gate.transaction
    accepted = transaction.accepted(key)
    if accepted is not None and accepted.as_of > gate.run.as_of:
        # an older partition once more: what followed it has been decided already
        admission.superseded.append(key)
        return
    segments = gate.plan.segments_of(key)
    counts = guards.count_snapshots(key, segments, gate.world.facts)
    holds = [hold for hold in transaction.holds() if hold.journey_key == key]
    reason, entrants = None, None
    is_approved = guards.is_approved(counts, holds)
    if not is_approved:
        reason = guards.check_snapshots(counts, segments, gate.world.facts, guards.baseline(accepted, holds))
    if reason is None:
        try:
            entrants = gate.select(accepted)
        except SnapshotError as error:
            reason = f"lost_snapshot: {error}"
    if reason is None and not is_approved:
        reason = gate.limits(entrants)
    if reason is not None:
        admission.held[key] = reason
        transaction.hold(Hold(gate.run.run_id, key, reason, counts))
        return
    if gate.enrols:
        admission.entered[key] = _enrol(gate, accepted, counts, entrants)


def _enrol(gate: _Gate, accepted: SnapshotCounts | None, counts: SnapshotCounts, entrants: Entrants | None) -> int:
    """Write the entrants, note who vanished from the features and who came back, accept the snapshots."""
    transaction = gate.transaction
    if not gate.only_manual:
        _follow_customers(gate, accepted, counts)
        transaction.accept(counts)
    if entrants is None:
        return 0
    transaction.settle_starts(entrants.starts)
    return len(transaction.add_executions(entrants.executions))


def _follow_customers(gate: _Gate, accepted: SnapshotCounts | None, counts: SnapshotCounts) -> None:
    if accepted is None or accepted.features_id in (None, counts.features_id):
        return
    now = gate.world.features.index
    try:
        before = gate.source.customers(str(accepted.features_id))
    except SnapshotError:
        return  # whoever is due is looked up in today's snapshot anyway
    gate.transaction.mark_missing(gate.key, _as_text(before.difference(now)), gate.run.as_of)
    gate.transaction.clear_missing(gate.key, _as_text(now.difference(before)))


def _as_text(customers: pd.Index) -> pd.Index:
    return customers.astype("str")
