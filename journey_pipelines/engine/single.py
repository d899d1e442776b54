"""The advance of one execution, as an API and `journeys continue` ask for it: the steps of a pass, for it alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from journey_pipelines.engine import guards
from journey_pipelines.engine.claimed import move_claimed
from journey_pipelines.engine.compute import SnapshotIds
from journey_pipelines.engine.engine import Engine, Pass
from journey_pipelines.engine.facts import Facts
from journey_pipelines.engine.grace import grace_may_be_over
from journey_pipelines.engine.isolation import contained
from journey_pipelines.engine.planning import Plan, check_features, plan_versions
from journey_pipelines.engine.ports import Changes, Run, StoreTransaction
from journey_pipelines.engine.states import ENDED
from journey_pipelines.engine.variables import World
from journey_pipelines.errors import NotFoundError, StoreConflictError

Row = Mapping[str, Any]


class Outcome(StrEnum):
    """Whether the execution moved, or why it did not."""

    MOVED = "moved"
    NOT_DUE = "not_due"  # nothing that it waits for has come, or another run moved it just before
    MISSING = "missing"  # the feature snapshot has no row of its customer; it stays for its grace
    PAUSED = "paused"
    HELD = "held"  # by the journey's guards or by a fault of the journey's own
    ENDED = "ended"
    BUSY = "busy"  # a run held it for longer than anybody waits; that run, or the next one, moves it


@dataclass(frozen=True)
class SingleAdvance:
    """What became of one execution."""

    outcome: Outcome
    execution: Row  # EXECUTIONS, as it is now
    reason: str = ""  # why its journey is held


def advance_one(engine: Engine, run: Run, execution_id: str, *, facts: Facts | None = None) -> SingleAdvance:
    """Move one execution if it is due at `as_of`; the dispatches that it requests leave with the next run.

    It costs the same however many others are due. Where a batch holds the execution this waits, for a bounded time,
    and then finds nothing to do if the batch has moved it. The run is recorded with the movement, or not at all.
    Raises NotFoundError for an unknown id, UnknownFeatureError as `run_pass` does, and StoreUnavailableError.
    """
    found, plan = engine.store.transact(lambda transaction: _look(engine, execution_id, transaction))
    key = str(found["journey_key"])
    if found["state"] in ENDED:
        return SingleAdvance(Outcome.ENDED, found)
    if key in plan.held:
        return SingleAdvance(Outcome.HELD, found, plan.held[key])
    world = World(facts if facts is not None else engine.source.at(run.as_of))
    check_features(plan.versions.values(), world.facts)
    one = Pass(engine, run, world, plan)
    with contained(one, key):
        try:
            return engine.store.transact(_Moving(one, found))
        except StoreConflictError:
            return SingleAdvance(Outcome.BUSY, found)
    return SingleAdvance(Outcome.HELD, found, one.faults[key])


def _look(engine: Engine, execution_id: str, transaction: StoreTransaction) -> tuple[Row, Plan]:
    """The execution, not locked, and the plan of its version, which never changes."""
    found = find_one(transaction, execution_id)
    edition = (found["journey_key"], found["journey_version"])
    return found, plan_versions(transaction, catalog=engine.catalog, wanted=[edition])


def find_one(transaction: StoreTransaction, execution_id: str) -> Row:
    """The EXECUTIONS row with this id, not locked. Raises NotFoundError where there is none."""
    found = transaction.find_execution(execution_id)
    if not len(found):
        raise NotFoundError(f"there is no execution {execution_id}; `journeys explain CUSTOMER` lists a customer's")
    row: Row = found.to_dict("records")[0]
    return row


class _Moving:
    """The one transaction. Where its commit broke off, the next try finds the run recorded, and so what it did."""

    def __init__(self, one: Pass, found: Row) -> None:
        self.one = one
        self.found = found
        self.has_moved = False  # in the try before, which may have been committed

    def __call__(self, transaction: StoreTransaction) -> SingleAdvance:
        run = self.one.run
        if self.has_moved and len(transaction.read("runs", run_id=run.run_id)):
            return self._answer(Outcome.MOVED, transaction)
        key, version = str(self.found["journey_key"]), int(self.found["journey_version"])
        journey = self.one.plan.versions[(key, version)]
        # first what may have to wait, so that a pause or a hold of that time counts
        claimed = transaction.take_one_due(
            self.found["execution_id"], as_of=run.as_of, missing_before=grace_may_be_over(journey, run)
        )
        if key in transaction.paused():
            return self._answer(Outcome.PAUSED, transaction)
        reason = _closed(self.one, key, transaction)
        if reason is not None:
            return self._answer(Outcome.HELD, transaction, reason)
        if not len(claimed):
            return self._answer(Outcome.NOT_DUE, transaction)
        changes = move_claimed(self.one, journey, claimed, transaction)
        outcome = _outcome(changes)
        self.has_moved = outcome is Outcome.MOVED
        if self.has_moved:
            transaction.open_run(run)
            read = SnapshotIds.of(self.one.world.facts).summary()
            transaction.close_run(run.run_id, {"moved": 1, "snapshots": read})
        return self._answer(outcome, transaction)

    def _answer(self, outcome: Outcome, transaction: StoreTransaction, reason: str = "") -> SingleAdvance:
        execution = find_one(transaction, self.found["execution_id"])
        has_ended = execution["state"] in ENDED and outcome is not Outcome.MOVED
        return SingleAdvance(Outcome.ENDED if has_ended else outcome, execution, "" if has_ended else reason)


def _closed(one: Pass, key: str, transaction: StoreTransaction) -> str | None:
    """Why nobody of the journey may move now: it is held, or its guards would hold it, or a later run was decided.

    One execution is no measure of what a whole run may do, so that a limit holds it where it held the last run.
    """
    accepted = transaction.accepted(key)
    if accepted is not None and accepted.as_of > one.run.as_of:
        return f"superseded: a run for {accepted.as_of.isoformat()} has been decided already"
    holds = [hold for hold in transaction.holds() if hold.journey_key == key]
    standing = guards.standing_hold(accepted, holds)
    if standing is not None:
        return standing.reason
    facts, segments = one.world.facts, one.plan.segments_of(key)
    counts = guards.count_snapshots(key, segments, facts)
    if guards.is_approved(counts, holds):
        return None
    return guards.check_snapshots(counts, segments, facts, guards.baseline(accepted, holds))


def _outcome(changes: Changes) -> Outcome:
    """Of a due execution that was given to the steps of a pass."""
    if not len(changes.executions):
        return Outcome.NOT_DUE  # an event of the right type that its wait refuses
    execution = changes.executions.iloc[0]
    is_away = execution["state"] not in ENDED and not len(changes.transitions) and execution.notna()["missing_since"]
    return Outcome.MISSING if is_away else Outcome.MOVED
