"""One pass of the engine, and the only way to run it: plan, enrol, then advance and deliver until all are blocked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from journey_pipelines.engine import outbox, receipts
from journey_pipelines.engine.admission import Entering, admit
from journey_pipelines.engine.advance import advance
from journey_pipelines.engine.bands import Figure
from journey_pipelines.engine.compute import SnapshotIds
from journey_pipelines.engine.engine import Engine, Pass
from journey_pipelines.engine.facts import Facts
from journey_pipelines.engine.guards import count_snapshots
from journey_pipelines.engine.planning import Plan, make_plan
from journey_pipelines.engine.ports import Hold, Run, StoreTransaction
from journey_pipelines.engine.variables import World


@dataclass
class Report:
    """What a pass did: figures for the run's summary, and the journeys that it held."""

    run: Run
    entered: dict[str, int] = field(default_factory=dict)
    moved: int = 0
    dispatched: int = 0
    held: dict[str, str] = field(default_factory=dict)
    superseded: list[str] = field(default_factory=list)
    snapshots: SnapshotIds | None = None  # what the pass read
    figures: dict[str, Sequence[Figure]] = field(default_factory=dict)  # beside the forecast, where there is one

    def summary(self) -> Mapping[str, Any]:
        """The figures as JSON."""
        return {
            "entered": self.entered,
            "moved": self.moved,
            "dispatched": self.dispatched,
            "held": self.held,
            "superseded": self.superseded,
            **({} if self.snapshots is None else {"snapshots": self.snapshots.summary()}),
        }


def run_pass(engine: Engine, run: Run, *, facts: Facts | None = None, delivers: bool = True) -> Report:
    """Everything that is to be done at `as_of`: entries, movement, deliveries (which another pass may do later).

    `facts` pins the snapshots; by default the newest on or before `as_of`. Raises UnknownFeatureError before anything
    moves; any other error leaves what was committed, and the next run goes on from there.
    """
    return _run(engine, run, facts, entering=Entering.EVERYBODY, delivers=delivers)


def advance_pass(engine: Engine, run: Run, *, facts: Facts | None = None, delivers: bool = True) -> Report:
    """Movement (and deliveries) of what is due at `as_of`, without entries."""
    return _run(engine, run, facts, entering=Entering.NOBODY, delivers=delivers)


def enrol_pass(engine: Engine, run: Run, *, facts: Facts | None = None) -> Report:
    """Entries only."""
    return _run(engine, run, facts, entering=Entering.EVERYBODY, moves=False)


def start_pass(engine: Engine, run: Run, *, facts: Facts | None = None) -> Report:
    """Entries of manual starts only, between the runs of the partitions: no snapshot is accepted.

    A sweep at noon that accepted snapshots would supersede the partition of the day before, which may still be built.
    """
    return _run(engine, run, facts, entering=Entering.MANUAL_STARTS, moves=False)


def _run(
    engine: Engine,
    run: Run,
    facts: Facts | None,
    *,
    entering: Entering,
    moves: bool = True,
    delivers: bool = False,
) -> Report:
    world = World(facts if facts is not None else engine.source.at(run.as_of))
    with engine.store.run_lock(run.run_id):
        one = Pass(engine, run, world, _open(engine, run, world))
        admission = admit(one, entering)
        report = Report(run, admission.entered, held=admission.held, superseded=admission.superseded)
        report.snapshots = SnapshotIds.of(world.facts)
        report.figures = admission.figures
        if moves:
            _move(admission.admitted, report, delivers=delivers)
        engine.store.transact(lambda transaction: _close(one, report, transaction))
    return report


def _open(engine: Engine, run: Run, world: World) -> Plan:
    """Plan the run and record its start."""
    tries = 0

    def plan_and_open(transaction: StoreTransaction) -> Plan:
        nonlocal tries
        tries += 1
        plan = make_plan(transaction, engine.catalog, world.facts)
        # a run that is there at the second try is ours: its commit broke off, and nobody else has its lock
        if tries == 1 or not len(transaction.read("runs", run_id=run.run_id)):
            transaction.open_run(run)
        return plan

    return engine.store.transact(plan_and_open)


def _close(one: Pass, report: Report, transaction: StoreTransaction) -> None:
    """Again after its commit it writes the same."""
    _hold_broken(one, report, transaction)
    transaction.close_run(one.run.run_id, report.summary())


def _hold_broken(one: Pass, report: Report, transaction: StoreTransaction) -> None:
    """Journeys that cannot be compiled, or that raised, are held like those whose snapshots are not to be trusted."""
    facts = one.world.facts
    for key, reason in sorted({**one.plan.held, **one.faults}.items()):
        report.held[key] = reason
        transaction.hold(Hold(one.run.run_id, key, reason, count_snapshots(key, facts.segments, facts)))


def _move(one: Pass, report: Report, *, delivers: bool) -> None:
    """Advance everybody who is due; then deliver, apply results and advance those again, until nothing is pending."""
    if delivers:
        outbox.abandon_sending(one)
        receipts.apply_receipts(one)
        outbox.adopt_unknown(one)
    report.moved += advance(one, results_only=False)
    while delivers:
        count = outbox.deliver_pending(one)
        if not count:
            return
        report.dispatched += count
        report.moved += advance(one, results_only=True)
