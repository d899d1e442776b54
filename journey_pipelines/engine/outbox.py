"""Deliver: let pending dispatches leave in bulk, and apply their results. Intent is committed before a send."""

from collections.abc import Iterator, Sequence

import pandas as pd

from journey_pipelines.engine import results
from journey_pipelines.engine.departures import departure_context
from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, TRANSITIONS, conform, empty, stack
from journey_pipelines.engine.instants import tick_after
from journey_pipelines.engine.isolation import together_or_apart
from journey_pipelines.engine.ports import Changes, StoreTransaction
from journey_pipelines.journeys.nodes import ActionNode

_ATTEMPT = ["key", "attempt"]


def deliver_pending(one: Pass) -> int:
    """Let everything pending leave, chunk by chunk; returns how many dispatches were looked at.

    Three steps for each chunk: one transaction that settles consent and commits `sending`, the delivery itself outside
    any transaction, and one transaction that applies the results together with effects in our own store.
    """
    counts: list[int] = []
    together_or_apart(one, one.keys, lambda keys: counts.extend(_deliver_chunks(one, keys)))
    return sum(counts)


def _deliver_chunks(one: Pass, journey_keys: Sequence[str]) -> Iterator[int]:
    may_be_more = True
    while may_be_more:
        count, leaving, may_be_more = one.engine.store.transact(_Departing(one, journey_keys))
        if not count:
            return
        yield count
        if len(leaving):
            _record_answers(one, leaving, one.engine.dispatcher.deliver(leaving))


class _Departing:
    """One chunk's departure: how many dispatches were looked at, those that leave now, whether there may be more.

    Where the commit broke off, `sending` may be in the store without anything having been handed over; the next try
    looks for that first. Claiming the next chunk instead would leave these rows behind, taken for sent.
    """

    def __init__(self, one: Pass, journey_keys: Sequence[str]) -> None:
        self.one = one
        self.journey_keys = journey_keys
        self.left = empty(DISPATCHES)  # by the try before, which may have been committed

    def __call__(self, transaction: StoreTransaction) -> tuple[int, pd.DataFrame, bool]:
        # frequency caps count what left before, so that departures come one after the other
        transaction.take_turn("departing")
        if len(self.left):
            # of unknown fate by now are those that another run asks after, which may send them again itself
            committed = _still_open(self.one, self.left, transaction, statuses=["sending"])
            if len(committed):
                return len(committed), committed, True
        taken = _take(self.one, self.journey_keys, "pending", transaction)
        pending, executions = _locked(taken, transaction)
        if not len(pending):
            return 0, pending, False
        self.left = _depart(self.one, pending, executions, transaction)
        return len(pending), self.left, len(taken) == self.one.engine.rows_to_send


def _record_answers(one: Pass, leaving: pd.DataFrame, answers: pd.DataFrame) -> None:
    """What one journey's answers break must not keep the others' from being known."""

    def record_those_of(journey_keys: Sequence[str]) -> None:
        mine = leaving[leaving["journey_key"].isin(journey_keys)].reset_index(drop=True)
        # again after its commit it finds them settled; those of unknown fate it notes again in the same words
        one.engine.store.transact(
            lambda transaction: record(
                one, _still_open(one, mine, transaction, statuses=["sending", "unknown"]), answers, transaction
            )
        )

    together_or_apart(one, leaving["journey_key"].unique().tolist(), record_those_of)


def abandon_sending(one: Pass) -> None:
    """What a dead run left behind while sending is of unknown fate."""
    # again after its commit it finds none that is abandoned
    one.engine.store.transact(lambda transaction: transaction.abandon_sending())


def adopt_unknown(one: Pass) -> None:
    """Ask after dispatches whose fate nobody knows.

    What the provider knows is settled, what provably never left is pending again, the rest waits for `settle_after`.
    """
    together_or_apart(one, one.keys, lambda keys: _ask_after_all(one, keys))


def _ask_after_all(one: Pass, journey_keys: Sequence[str]) -> None:
    while _ask_after_unknown(one, journey_keys):
        pass


def _ask_after_unknown(one: Pass, journey_keys: Sequence[str]) -> bool:
    """One chunk of them; whether there may be more."""
    asked = one.engine.store.transact(lambda transaction: _take(one, journey_keys, "unknown", transaction))
    if not len(asked):
        return False
    known = one.engine.dispatcher.reconcile(asked)
    tries = 0

    def settle(transaction: StoreTransaction) -> bool:
        nonlocal tries
        tries += 1
        return _settle_unknown(one, journey_keys, asked, known, transaction)

    # again after its commit it finds them settled, pending or waiting, and so nothing to do; there may be more
    has_settled_any = one.engine.store.transact(settle) or tries > 1
    return has_settled_any and len(asked) == one.engine.rows_to_send


def _settle_unknown(
    one: Pass, journey_keys: Sequence[str], asked: pd.DataFrame, known: pd.DataFrame, transaction: StoreTransaction
) -> bool:
    """Apply what the provider knows of those that were asked after; whether that settled any."""
    unknown, executions = _locked(_take(one, journey_keys, "unknown", transaction), transaction)
    # the answer is about the attempt that was asked after; another run may have made the next one meanwhile
    is_asked = pd.MultiIndex.from_frame(unknown[_ATTEMPT]).isin(pd.MultiIndex.from_frame(asked[_ATTEMPT]))
    never_left = is_asked & unknown["key"].isin(known.loc[known["status"] == "retry", "key"])
    has_answer = is_asked & unknown["key"].isin(known["key"]) & ~never_left
    is_new = is_asked & ~never_left & ~has_answer & unknown["next_at"].isna()
    _send_again(unknown[never_left], executions[never_left], transaction)
    record(one, unknown[has_answer].reset_index(drop=True), known, transaction)
    _apply(one, unknown[is_new].reset_index(drop=True), transaction)
    return bool((never_left | has_answer | is_new).any())


def _take(one: Pass, journey_keys: Sequence[str], status: str, transaction: StoreTransaction) -> pd.DataFrame:
    stopped = transaction.paused().union(one.faults)
    # a journey that is paused while a run is on its way sends nothing from then on
    free = [key for key in journey_keys if key not in stopped]
    return transaction.take_dispatches(
        as_of=one.run.as_of, journey_keys=free, status=status, limit=one.engine.rows_to_send
    )


def _locked(taken: pd.DataFrame, transaction: StoreTransaction) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Dispatches that were taken and their executions, row by row, both locked.

    Everybody else locks executions before their dispatches. Who has the dispatches first must not wait for an
    execution: those that somebody moves at this moment are left to the next pass.
    """
    ids = pd.Index(taken["execution_id"])
    executions = transaction.lock_executions(ids, waits=False)
    positions = pd.Index(executions["execution_id"]).get_indexer(ids)
    is_ours = positions >= 0
    return taken[is_ours].reset_index(drop=True), executions.take(positions[is_ours]).reset_index(drop=True)


def _still_open(
    one: Pass, leaving: pd.DataFrame, transaction: StoreTransaction, *, statuses: Sequence[str]
) -> pd.DataFrame:
    """Those of the dispatches that this run let leave which have one of these statuses now.

    A run whose lock broke off with its connection passes for dead, and another may have asked the provider meanwhile.
    """
    ids = pd.Index(leaving["execution_id"])
    transaction.lock_executions(ids)
    stored = transaction.dispatches_of(ids)
    is_ours = stored["status"].isin(statuses) & (stored["run_id"] == one.run.run_id)
    open_now = pd.MultiIndex.from_frame(stored.loc[is_ours, _ATTEMPT])
    return leaving[pd.MultiIndex.from_frame(leaving[_ATTEMPT]).isin(open_now)].reset_index(drop=True)


def _send_again(dispatches: pd.DataFrame, executions: pd.DataFrame, transaction: StoreTransaction) -> None:
    """Pending once more, as if the attempt had never been made."""
    _await_answer(executions, transaction)
    again = dispatches.assign(
        status="pending", attempt=dispatches["attempt"] - 1, left_at=pd.NaT, next_at=pd.NaT, reason=None
    )
    transaction.save_dispatches(conform(again, DISPATCHES))


def _await_answer(executions: pd.DataFrame, transaction: StoreTransaction) -> None:
    """Nobody looks at these executions before the answer comes; who found one due would send it again or settle it."""
    due = executions[executions["due_at"].notna() | executions["action_status"].notna()]
    if len(due):
        transaction.save(changes_of(due.assign(due_at=pd.NaT, action_status=None), empty(DISPATCHES)))


def _depart(one: Pass, pending: pd.DataFrame, executions: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
    """Commit what leaves as `sending`; settle and defer the others with their executions. Returns what leaves.

    Nothing leaves for customers without a row in the feature snapshot: the next run looks again.
    """
    is_missing = one.world.features.positions(pending["customer_id"]) < 0
    missing = pending[is_missing].assign(next_at=pd.Timestamp(tick_after(one.run.as_of)))
    pending = pending[~is_missing].reset_index(drop=True)
    executions = executions[~is_missing].reset_index(drop=True)
    context = departure_context(one, pending, executions, transaction)
    departure = one.engine.dispatcher.depart(pending, context, transaction)
    features = one.world.facts.features
    traced = {"run_id": one.run.run_id, "snapshot_id": features.snapshot_id if features is not None else None}
    leaving = departure.leaving.assign(
        status="sending",
        attempt=departure.leaving["attempt"] + 1,
        left_at=pd.Timestamp(one.run.as_of),
        next_at=pd.NaT,
        **traced,
    )
    leaving = conform(leaving, DISPATCHES)
    transaction.save_dispatches(leaving)
    _await_answer(executions[executions["execution_id"].isin(leaving["execution_id"])], transaction)
    staying = stack([departure.settled, departure.deferred, missing], DISPATCHES).assign(**traced)
    _apply(one, conform(staying, DISPATCHES), transaction)
    return leaving


def record(one: Pass, leaving: pd.DataFrame, answers: pd.DataFrame, transaction: StoreTransaction) -> None:
    """Apply answers, with the effects of sent ones in our own store, in this transaction."""
    if not len(leaving):
        return
    dispatches = one.engine.dispatcher.suppress(results.answered(leaving, answers), transaction)
    sent = dispatches[dispatches["status"] == "sent"].reset_index(drop=True)
    dispatches = results.with_effects(dispatches, one.engine.dispatcher.perform(sent, transaction))
    nodes = {
        (key, version, node.id): node
        for (key, version), journey in one.plan.versions.items()
        for node in journey.nodes.values()
        if isinstance(node, ActionNode)
    }
    _apply(one, results.limit_retries(dispatches, nodes), transaction)


def _apply(one: Pass, dispatches: pd.DataFrame, transaction: StoreTransaction) -> None:
    """Write dispatches and what they make of their executions."""
    if not len(dispatches):
        return
    next_at = results.next_tries(dispatches, one.plan.versions, one.world, one.run.as_of)
    settled = conform(results.settle(dispatches.assign(next_at=next_at), one.run.as_of), DISPATCHES)
    executions = results.advance_executions(_executions_of(settled, transaction), settled)
    transaction.save(changes_of(executions, settled))


def changes_of(executions: pd.DataFrame, dispatches: pd.DataFrame) -> Changes:
    """Rows that are there already: nobody moves, nothing is requested."""
    return Changes(
        executions=conform(executions, EXECUTIONS),
        transitions=empty(TRANSITIONS),
        dispatches=empty(DISPATCHES),
        dispatch_updates=dispatches,
        used_event_ids=pd.Index([], dtype="str"),
    )


def _executions_of(dispatches: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
    """The execution of each dispatch, row by row. An execution has one unsettled dispatch at most."""
    ids = pd.Index(dispatches["execution_id"])
    found = transaction.lock_executions(ids)
    order = pd.Index(found["execution_id"]).get_indexer(ids)
    return found.take(order).reset_index(drop=True)
