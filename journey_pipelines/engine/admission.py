"""Admission: before anything moves, each journey is held or let through, and its entrants are enrolled."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial

import pandas as pd

from journey_pipelines.engine import bands, guards
from journey_pipelines.engine.bands import ENTRANTS, Figure, Forecast
from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.enrolment import Entrants, select_entrants
from journey_pipelines.engine.isolation import contained
from journey_pipelines.engine.ports import Hold, SnapshotCounts, StoreTransaction
from journey_pipelines.engine.rehearsal import Sends, count_due_sends, count_sends
from journey_pipelines.engine.shards import ALL
from journey_pipelines.errors import SnapshotError
from journey_pipelines.journeys.journey import Journey


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
    figures: dict[str, Sequence[Figure]] = field(default_factory=dict)  # beside the forecast, where there is one

    def add(self, other: "Admission") -> None:
        """Note what became of other journeys too."""
        self.entered |= other.entered
        self.held |= other.held
        self.superseded += other.superseded
        self.figures |= other.figures


class _HeldBack(Exception):  # noqa: N818 - no error: it takes back what the journey's transaction has written
    """The journey is held although its entrants were being written; its text is the reason."""

    def __init__(self, reason: str, figures: Sequence[Figure] = ()) -> None:
        self.figures = figures
        super().__init__(reason)


@dataclass(frozen=True)
class _Gate:
    """One journey at one run, inside one transaction."""

    one: Pass
    key: str
    entering: Entering
    transaction: StoreTransaction

    @property
    def journey(self) -> Journey:
        """Its newest version."""
        return self.one.plan.newest[self.key]

    @property
    def counts(self) -> SnapshotCounts:
        """The snapshots that it would accept."""
        return guards.count_snapshots(self.key, self.one.plan.segments_of(self.key), self.one.world.facts)

    @property
    def forecast(self) -> Forecast | None:
        """What a day's run of the newest version is expected to bring; that of an older one says nothing any more."""
        if self.entering is not Entering.EVERYBODY or self.key not in self.one.plan.open_keys:
            return None
        version = self.journey.version
        return next((found for found in self.transaction.forecasts(self.key) if found.version == version), None)

    def select(self, accepted: SnapshotCounts | None) -> Iterator[Entrants]:
        """Who would enter, one range of shards after the other; nobody where nobody may."""
        if self.entering is Entering.NOBODY or self.key not in self.one.plan.open_keys:
            return iter(())
        return select_entrants(
            self.one,
            self.journey,
            accepted,
            self.transaction,
            only_manual=self.entering is Entering.MANUAL_STARTS,
        )


class _Limits:
    """What a run may do with the journey, and how much it would do: the journey's own limits, and the forecast's bands.

    An approval waives them.
    """

    def __init__(self, gate: _Gate, accepted: SnapshotCounts | None, *, are_waived: bool) -> None:
        self._gate = gate
        self._accepted_at = accepted.as_of if accepted is not None else None
        self._are_waived = are_waived
        self._forecast = gate.forecast
        self._counts_sends = self._forecast is not None or (
            not are_waived and gate.journey.max_sends_per_run is not None
        )
        self._entries = 0
        self._sends: Sends = Counter()

    def count_due(self) -> None:
        """Count the sends to those who are due already; nobody has been let in yet."""
        if self._counts_sends:
            self._sends += count_due_sends(self._gate.one, self._gate.key, self._gate.transaction)

    def count(self, entering: pd.DataFrame) -> None:
        """Count those who would enter (EXECUTIONS), and the sends to them."""
        self._entries += len(entering)
        if self._counts_sends:
            self._sends += count_sends(self._gate.one, self._gate.journey, entering, self._gate.transaction)

    def exceeded(self) -> str | None:
        """Why the journey is held by its own limits, as far as was counted."""
        if self._are_waived:
            return None
        journey = self._gate.journey
        reason = guards.too_many("entries", self._entries, journey.max_entries_per_run)
        return reason or guards.too_many("sends", self._sends.total(), journey.max_sends_per_run)

    def figures(self) -> Sequence[Figure]:
        """Everything that was counted beside the forecast's bands; nothing where there is no forecast."""
        if self._forecast is None:
            return ()
        found = {name: n for (version, name), n in self._sends.items() if version == self._forecast.version}
        found[ENTRANTS] = self._entries
        as_of = self._gate.one.run.as_of
        return bands.judge(self._forecast, found, as_of=as_of, accepted_at=self._accepted_at)

    def broken(self, figures: Sequence[Figure]) -> str | None:
        """Why the journey is held, now that everybody is counted."""
        reason = self.exceeded()
        if reason is None and self._forecast is not None and not self._are_waived:
            return bands.outside(self._forecast, figures)
        return reason


def admit(one: Pass, entering: Entering) -> Admission:
    """Each journey in one transaction of its own: guards, entries, acceptance.

    One that is tried again after its commit finds these snapshots accepted and its customers inside: nobody enters
    twice, and only the figure of those who entered is lost.
    """
    admission = Admission(one)
    for key in one.plan.keys:
        with contained(one, key):
            try:
                verdict = one.engine.store.transact(partial(_judged, one, key, entering))
            except _HeldBack as held:
                verdict = one.engine.store.transact(partial(_held, one, key, held))
            admission.add(verdict)
    closed = {**one.plan.held, **admission.held, **dict.fromkeys(admission.superseded, "superseded")}
    admission.admitted = one.with_plan(replace(one.plan, held=closed))
    return admission


def _judged(one: Pass, key: str, entering: Entering, transaction: StoreTransaction) -> Admission:
    """What became of one journey."""
    verdict = Admission(one)
    _pass_gate(_Gate(one, key, entering, transaction), verdict)
    return verdict


def _held(one: Pass, key: str, held: _HeldBack, transaction: StoreTransaction) -> Admission:
    """The journey is held."""
    counts = _Gate(one, key, Entering.NOBODY, transaction).counts
    transaction.hold(Hold(one.run.run_id, key, str(held), counts))
    return Admission(one, held={key: str(held)}, figures={key: held.figures} if held.figures else {})


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
    holds = [hold for hold in transaction.holds() if hold.journey_key == key]
    is_approved = guards.is_approved(gate.counts, holds)
    if not is_approved:
        facts, segments = gate.one.world.facts, gate.one.plan.segments_of(key)
        reason = guards.check_snapshots(gate.counts, segments, facts, guards.baseline(accepted, holds))
        if reason is not None:
            raise _HeldBack(reason)
    limits = _Limits(gate, accepted, are_waived=is_approved)
    entered = _enrol(gate, accepted, limits)
    figures = limits.figures()
    if figures:
        admission.figures[key] = figures
    if gate.entering is not Entering.NOBODY:
        admission.entered[key] = entered


def _enrol(gate: _Gate, accepted: SnapshotCounts | None, limits: _Limits) -> int:
    """Note who vanished from the features and who came back, accept the snapshots, write the entrants.

    Raises _HeldBack where more would enter or be sent than the journey allows, or a snapshot is gone.
    """
    transaction = gate.transaction
    limits.count_due()
    if gate.entering is Entering.EVERYBODY:
        _follow_customers(gate, accepted)
        transaction.accept(gate.counts)
    count = 0
    try:
        for entrants in gate.select(accepted):
            limits.count(entrants.executions)
            if limits.exceeded() is None:
                transaction.settle_starts(entrants.starts)
                count += len(transaction.add_executions(entrants.executions))
    except SnapshotError as error:
        raise _HeldBack(f"lost_snapshot: {error}") from error
    figures = limits.figures()
    reason = limits.broken(figures)
    if reason is not None:
        raise _HeldBack(reason, figures)
    return count


def _follow_customers(gate: _Gate, accepted: SnapshotCounts | None) -> None:
    if accepted is None or accepted.features_id in (None, gate.counts.features_id):
        return
    world = gate.one.world
    try:
        earlier = gate.one.engine.source.features(str(accepted.features_id))
    except SnapshotError:
        return  # whoever is due is looked up in today's snapshot anyway
    for shards in ALL.split(max(world.facts.parts, earlier.parts)):
        before, now = earlier.customers(shards), world.features.customers(shards)
        gone, back = _as_text(before.difference(now)), _as_text(now.difference(before))
        if len(gone):
            gate.transaction.mark_missing(gate.key, gone, gate.one.run.as_of)
        if len(back):
            gate.transaction.clear_missing(gate.key, back)


def _as_text(customers: pd.Index) -> pd.Index:
    return customers.astype("str")
