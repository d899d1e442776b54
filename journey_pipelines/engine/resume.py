"""Resume: what each claimed execution does first, before anybody walks on."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pandas as pd

from journey_pipelines.engine import calendar, nodes
from journey_pipelines.engine.columns import Rows
from journey_pipelines.engine.events import first_events
from journey_pipelines.engine.exits import leave_early
from journey_pipelines.engine.frames import DISPATCHES, conform, stack
from journey_pipelines.engine.instants import to_instants, to_times
from journey_pipelines.engine.movement import Chunk
from journey_pipelines.engine.results import settle
from journey_pipelines.engine.states import ENDED
from journey_pipelines.engine.waits import leave_wait
from journey_pipelines.journeys.catalog import ActionTraits, UnknownPolicy
from journey_pipelines.journeys.nodes import ActionNode, EventWait, StartNode, WaitNode

_OWN_CODES = ("missing_variable", "retries_exhausted")
_NEVER = np.datetime64("NaT", "us")


def resume(chunk: Chunk, actions: Mapping[str, ActionTraits]) -> None:
    """Fail who is gone, settle what is unknown, let out who met goal or exit, and let the others leave their node."""
    # due times in order: who was due first is sent to first
    rows = np.argsort(chunk.due, kind="stable")
    rows = _present(chunk, rows)
    rows = _settle_unknown(chunk, rows, actions)
    rows = _only_due(chunk, rows)
    staying = leave_early(chunk, rows)
    _drop_dispatches(chunk, np.flatnonzero(_has_ended(chunk)), actions)
    _leave_nodes(chunk, staying)


def _present(chunk: Chunk, rows: Rows) -> Rows:
    """Customers without a row in the feature snapshot stay where they are until their grace is over."""
    missing_since = chunk.columns["missing_since"]
    is_present = chunk.context.feature_rows >= 0
    present: Rows = rows[is_present[rows]]
    back = present[~np.isnat(missing_since[present])]
    chunk.write(back, missing_since=_NEVER)
    present = present[~np.isin(present, back[_is_out(chunk, back)])] if len(back) else present
    away = rows[~is_present[rows]]
    fresh = away[np.isnat(missing_since[away])]
    chunk.write(fresh, missing_since=chunk.as_of)
    zones = chunk.zones.take(away).reset_index(drop=True)
    ends_at = calendar.add(chunk.times("missing_since", away), zones, chunk.journey.missing_grace)
    is_over = (to_instants(ends_at) <= chunk.as_of) & ~_is_out(chunk, away)
    gone = away[is_over]
    if len(gone):
        chunk.fail(gone, "customer_gone", f"no row in the feature snapshots for {chunk.journey.missing_grace}")
    return present


def _only_due(chunk: Chunk, rows: Rows) -> Rows:
    """Without those whom an event of the right type brought here that their wait refuses: they are not due.

    Only goal and exit could tell the difference.
    """
    journey = chunk.journey
    if journey.goal is None and journey.exit.rule is None and not journey.exit.on_leave_segment:
        return rows
    is_early = (chunk.columns["state"][rows] == "WAITING") & ~(chunk.due[rows] <= chunk.as_of)
    current = chunk.columns["current_node_id"][rows]
    is_refused = np.zeros(len(rows), dtype=bool)
    for node in journey.nodes.values():
        is_here = is_early & (current == node.id)
        if isinstance(node, EventWait) and is_here.any():
            is_refused |= is_here & ~np.isin(rows, first_events(chunk, rows[is_here], node)["row"].to_numpy())
    due: Rows = rows[~is_refused]
    return due


def _is_out(chunk: Chunk, rows: Rows) -> np.ndarray:
    """Whether a dispatch of these rows may be on its way at this moment; nobody touches those."""
    ids = chunk.frame["execution_id"].take(rows)
    unsettled = chunk.transaction.dispatches_of(pd.Index(ids))
    sending = unsettled.loc[unsettled["status"] == "sending", "execution_id"]
    is_out: np.ndarray = ids.isin(sending).to_numpy()
    return is_out


def _settle_unknown(chunk: Chunk, rows: Rows, actions: Mapping[str, ActionTraits]) -> Rows:
    """Dispatches that stayed unknown until `settle_after`: gone on as sent, or sent again, by their action's policy."""
    status = chunk.columns["action_status"]
    unknown = rows[status[rows] == "unknown"]
    unsettled = _dispatches(chunk, unknown)
    unsettled = unsettled[unsettled["status"] == "unknown"].reset_index(drop=True)
    if not len(unsettled):
        return rows
    safe = _exactly_once(actions)
    repeatable = [name for name, a in actions.items() if a.policy is UnknownPolicy.AT_LEAST_ONCE]
    limits = {n.id: n.retry.attempts for n in chunk.journey.nodes.values() if isinstance(n, ActionNode)}
    has_attempts = unsettled["attempt"] < unsettled["node_id"].map(limits)
    kind = unsettled["action_type"]
    may_repeat = (kind.isin(safe) | (kind.isin(repeatable) & has_attempts)).to_numpy()
    again = unsettled["row"].to_numpy()[may_repeat]
    status[again] = "retry"
    lost = unsettled[~may_repeat]
    settled = _as_sent(lost, chunk.run.as_of)
    chunk.dispatch_updates.append(settled)
    settled_rows = lost["row"].to_numpy()
    for node_id, positions in lost.reset_index(drop=True).groupby("node_id", sort=False).indices.items():
        chunk.set_context(
            settled_rows[positions], f"action_result_{node_id}", settled["result"].take(positions).to_list()
        )
    chunk.write(settled_rows, action_status="sent")
    return rows


def _exactly_once(actions: Mapping[str, ActionTraits]) -> list[str]:
    """Action types whose effect is in our own transaction: what is unknown of them has not happened."""
    return [name for name, action in actions.items() if action.policy is UnknownPolicy.EXACTLY_ONCE]


def _as_sent(lost: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Dispatches of unknown fate, settled without proof."""
    unproven = np.empty(len(lost), dtype=object)
    unproven[:] = [{"confirmed": False} for _ in range(len(lost))]
    return settle(conform(lost.assign(status="sent", result=unproven), DISPATCHES), as_of)


def _leave_nodes(chunk: Chunk, rows: Rows) -> None:
    """Group by current node; each group leaves it, or tries again."""
    current = chunk.columns["current_node_id"][rows]
    for node_id in sorted(set(current.tolist()), key=chunk.journey.order.__getitem__):
        here = rows[current == node_id]
        node = chunk.journey.nodes[node_id]
        if isinstance(node, StartNode):
            chunk.write(here, state="IN_PROGRESS")
            nodes.enter(chunk, here, node)
        elif isinstance(node, ActionNode):
            _leave_action(chunk, here, node)
        elif isinstance(node, WaitNode):
            leave_wait(chunk, here, node)


def _leave_action(chunk: Chunk, rows: Rows, node: ActionNode) -> None:
    status = chunk.columns["action_status"][rows]
    is_waiting = chunk.columns["state"][rows] == "WAITING"
    nodes.enter(chunk, rows[is_waiting], node)
    is_done = np.isin(status, ["sent", "skipped"]) & ~is_waiting
    chunk.leave(rows[is_done], node, None)
    failed = rows[(status == "failed") & ~is_waiting]
    if chunk.journey.way(node.id, "failed") is not None:
        chunk.leave(failed, node, "failed")
    else:
        _fail_with_reasons(chunk, failed, node)
    is_again = np.isin(status, ["retry", "deferred"]) & (chunk.due[rows] <= chunk.as_of) & ~is_waiting
    _send_again(chunk, rows[is_again])


def _fail_with_reasons(chunk: Chunk, rows: Rows, node: ActionNode) -> None:
    """Each with what its result says; grouped by reason, of which there are few."""
    key = f"action_result_{node.id}"
    said = pd.Series([context[key].get("reason", "") for context in chunk.columns["context"][rows]], dtype="str")
    for reason, positions in said.groupby(said, sort=False).indices.items():
        code, separator, sentence = str(reason).partition(": ")
        if not separator or code not in _OWN_CODES:
            code, sentence = "action_failed", f"{node.action_type} at {node.id}: {reason}"
        chunk.fail(rows[positions], code, sentence)


def _send_again(chunk: Chunk, rows: Rows) -> None:
    """Dispatches that waited for a retry, a quiet hour or a cap are pending again."""
    waiting = _dispatches(chunk, rows)
    waiting = waiting[waiting["status"] != "sending"].reset_index(drop=True)
    rows = waiting["row"].to_numpy()
    if not len(rows):
        return
    due = to_times(chunk.due[rows])
    again = waiting.assign(status="pending", next_at=pd.NaT, due_at=due)
    chunk.dispatch_updates.append(conform(again, DISPATCHES))
    chunk.write(rows, due_at=_NEVER, action_status=None)


def _drop_dispatches(chunk: Chunk, rows: Rows, actions: Mapping[str, ActionTraits]) -> None:
    """Whoever ended before the send left is not sent to; one of unknown fate counts as sent, without proof."""
    unsettled = _dispatches(chunk, rows)
    unsettled = unsettled[~unsettled["key"].isin(stack(chunk.dispatch_updates, DISPATCHES)["key"])]
    is_unknown = unsettled["status"] == "unknown"
    may_have_left = is_unknown & ~unsettled["action_type"].isin(_exactly_once(actions))
    lost = unsettled[may_have_left].reset_index(drop=True)
    if len(lost):
        chunk.dispatch_updates.append(_as_sent(lost, chunk.run.as_of))
    is_here = unsettled["status"].isin(["pending", "retry", "unknown"]) & ~may_have_left
    outstanding = unsettled[is_here].reset_index(drop=True)
    if not len(outstanding):
        return
    ended = outstanding["row"].to_numpy()
    codes = [
        outcome or failure.partition(":")[0]
        for outcome, failure in zip(chunk.columns["outcome"][ended], chunk.columns["failure"][ended], strict=True)
    ]
    dropped = conform(outstanding.assign(status="skipped", reason=codes), DISPATCHES)
    chunk.dispatch_updates.append(settle(dropped, chunk.run.as_of))


def _dispatches(chunk: Chunk, rows: Rows) -> pd.DataFrame:
    """Unsettled dispatches of these rows, with the position of each in `row`."""
    is_at_action = chunk.columns["state"][rows] != "NOT_STARTED"
    ids = pd.Index(chunk.frame["execution_id"].take(rows[is_at_action]))
    unsettled = chunk.transaction.dispatches_of(ids)
    positions = pd.Series(rows[is_at_action], index=ids)
    return unsettled.assign(row=positions.reindex(unsettled["execution_id"]).to_numpy()).reset_index(drop=True)


def _has_ended(chunk: Chunk) -> np.ndarray:
    ended: np.ndarray = np.isin(chunk.columns["state"], ENDED)
    return ended
