"""Admission: before anything moves, each journey is held or let through, and its entrants are enrolled."""

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial

import pandas as pd

from journey_pipelines.engine import guards
from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.enrolment import Entrants, select_entrants
from journey_pipelines.engine.frames import EXECUTIONS, empty
from journey_pipelines.engine.isolation import contained
from journey_pipelines.engine.ports import Hold, SnapshotCounts, StoreTransaction
from journey_pipelines.engine.rehearsal import count_sends
from journey_pipelines.errors import SnapshotError


class Entering(Enum):
    """Who may enter at a run."""

    EVERYBODY = auto()  # by segment, by rules and by hand; the snapshots are accepted
    MANUAL_STARTS = auto()  # by hand only; the snapshots belong to a later run
    NOBODY = auto()


@dataclass
class Admission:
    """What became of each journey: how many entered, or why it is held."""

    admitted: Pass  # with the held journeys marked in its plan
    entered: dict[str, int] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    superseded: list[str] = field(default_factory=list)

    def add(self, other: "Admission") -> None:
        """Note what became of other journeys too."""
        self.entered |= other.entered
        self.held |= other.held
        self.superseded += other.superseded


@dataclass(frozen=True)
class _Gate:
    """One journey at one run, inside one transaction."""

    one: Pass
    key: str
    entering: Entering
    transaction: StoreTransaction

    def select(self, accepted: SnapshotCounts | None) -> Entrants | None:
        """Who would enter; None where nobody may."""
        if self.entering is Entering.NOBODY or self.key not in self.one.plan.open_keys:
            return None
        return select_entrants(
            self.one.plan.newest[self.key],
            self.one.world,
            self.one.engine.source,
            accepted,
            self.transaction,
            only_manual=self.entering is Entering.MANUAL_STARTS,
        )

    def limits(self, entrants: Entrants | None) -> str | None:
        """Why the journey's own limits hold it: more entries or more sends than one run may make."""
        journey = self.one.plan.newest[self.key]
        entering = entrants.executions if entrants is not None else empty(EXECUTIONS)
        reason = guards.too_many("entries", len(entering), journey.max_entries_per_run)
        if reason is not None or journey.max_sends_per_run is None:
            return reason
        sends = count_sends(self.one, self.key, entering, self.transaction)
        return guards.too_many("sends", sends, journey.max_sends_per_run)


def admit(one: Pass, entering: Entering) -> Admission:
    """Each journey in one transaction of its own: guards, entries, acceptance.

    One that is tried again after its commit finds these snapshots accepted and its customers inside: nobody enters
    twice, and only the figure of those who entered is lost.
    """
    admission = Admission(one)
    for key in one.plan.keys:
        with contained(one, key):
            admission.add(one.engine.store.transact(partial(_judged, one, key, entering)))
    closed = {**one.plan.held, **admission.held, **dict.fromkeys(admission.superseded, "superseded")}
    admission.admitted = one.with_plan(replace(one.plan, held=closed))
    return admission


def _judged(one: Pass, key: str, entering: Entering, transaction: StoreTransaction) -> Admission:
    """What became of one journey."""
    verdict = Admission(one)
    _pass_gate(_Gate(one, key, entering, transaction), verdict)
    return verdict


def _pass_gate(gate: _Gate, admission: Admission) -> None:
    key, transaction, run = gate.key, gate.transaction, gate.one.run
    if gate.entering is not Entering.NOBODY:
        # who is new is judged by what was accepted last, which another run might change meanwhile
        transaction.take_turn(f"entering {key}")
    if key in transaction.paused():
        return  # since the run was planned; its snapshots stay those of the last run, so that nobody's joining is lost
    accepted = transaction.accepted(key)
    if accepted is not None and accepted.as_of > run.as_of:
        # an older partition once more: what followed it has been decided already
        admission.superseded.append(key)
        return
    counts = guards.count_snapshots(key, gate.one.plan.segments_of(key), gate.one.world.facts)
    reason, entrants = _judge(gate, accepted, counts)
    if reason is not None:
        admission.held[key] = reason
        transaction.hold(Hold(run.run_id, key, reason, counts))
    elif gate.entering is not Entering.NOBODY:
        admission.entered[key] = _enrol(gate, accepted, counts, entrants)


def _judge(gate: _Gate, accepted: SnapshotCounts | None, counts: SnapshotCounts) -> tuple[str | None, Entrants | None]:
    """Why the journey is held, or who enters. An approval of exactly these snapshots waives guards and limits."""
    facts, segments = gate.one.world.facts, gate.one.plan.segments_of(gate.key)
    holds = [hold for hold in gate.transaction.holds() if hold.journey_key == gate.key]
    is_approved = guards.is_approved(counts, holds)
    if not is_approved:
        reason = guards.check_snapshots(counts, segments, facts, guards.baseline(accepted, holds))
        if reason is not None:
            return reason, None
    try:
        entrants = gate.select(accepted)
    except SnapshotError as error:
        return f"lost_snapshot: {error}", None
    return (None if is_approved else gate.limits(entrants)), entrants


def _enrol(gate: _Gate, accepted: SnapshotCounts | None, counts: SnapshotCounts, entrants: Entrants | None) -> int:
    """Write the entrants, note who vanished from the features and who came back, accept the snapshots."""
    transaction = gate.transaction
    if gate.entering is Entering.EVERYBODY:
        _follow_customers(gate, accepted, counts)
        transaction.accept(counts)
    if entrants is None:
        return 0
    transaction.settle_starts(entrants.starts)
    return len(transaction.add_executions(entrants.executions))


def _follow_customers(gate: _Gate, accepted: SnapshotCounts | None, counts: SnapshotCounts) -> None:
    if accepted is None or accepted.features_id in (None, counts.features_id):
        return
    now = gate.one.world.features.index
    try:
        before = gate.one.engine.source.customers(str(accepted.features_id))
    except SnapshotError:
        return  # whoever is due is looked up in today's snapshot anyway
    gate.transaction.mark_missing(gate.key, _as_text(before.difference(now)), gate.one.run.as_of)
    gate.transaction.clear_missing(gate.key, _as_text(now.difference(before)))


def _as_text(customers: pd.Index) -> pd.Index:
    return customers.astype("str")
