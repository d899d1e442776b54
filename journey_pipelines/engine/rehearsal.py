"""Rehearse a run without writing: how many messages it would send if every delivery succeeded."""

from collections import Counter

import numpy as np
import pandas as pd

from journey_pipelines.engine.columns import Rows
from journey_pipelines.engine.departures import departure_context
from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.frames import DISPATCHES, stack
from journey_pipelines.engine.grace import grace_may_be_over
from journey_pipelines.engine.movement import Chunk, walk
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.engine.resume import resume
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.nodes import ActionNode


class RehearsedChunk(Chunk):
    """A chunk in which every action succeeds at once; its dispatches are counted, never stored."""

    def request(self, rows: Rows, node: ActionNode) -> None:
        """Note the dispatch and go on as if it had been sent."""
        super().request(rows, node)
        if len(rows):
            self.set_context(
                rows, f"action_result_{node.id}", [{"success": True, "action": node.action_type}] * len(rows)
            )
            self.leave(rows, node, None)


Sends = Counter[tuple[int, str]]
"""Messages by (journey version, action type)."""


def count_due_sends(one: Pass, journey_key: str, transaction: StoreTransaction) -> Sends:
    """Messages that would leave to those who are due in any version of one journey at this run."""
    total: Sends = Counter()
    for journey in one.plan.versions_of(journey_key):
        after = ""
        while True:
            claim = transaction.take_due(
                journey.key,
                journey.version,
                as_of=one.run.as_of,
                missing_before=grace_may_be_over(journey, one.run),
                after=after,
                limit=one.engine.chunk_rows,
            )
            if not len(claim.frame):
                break
            total += count_sends(one, journey, claim.frame, transaction)
            after = claim.cursor
    return total


def count_sends(one: Pass, journey: Journey, executions: pd.DataFrame, transaction: StoreTransaction) -> Sends:
    """Messages that would leave to these EXECUTIONS of one version, who are due or about to enter."""
    chunk = RehearsedChunk(journey, one.run, one.world, transaction, executions)
    resume(chunk, one.engine.catalog.actions)
    walk(chunk)
    return _count_leaving(one, chunk)


def _count_leaving(one: Pass, chunk: Chunk) -> Sends:
    requested = stack([*chunk.dispatches, *chunk.dispatch_updates], DISPATCHES)
    messages = [name for name, action in one.engine.catalog.actions.items() if action.is_message]
    is_message = requested["action_type"].isin(messages) & (requested["status"] == "pending")
    pending = requested[is_message].reset_index(drop=True)
    if not len(pending):
        return Counter()
    positions = pd.Index(chunk.frame["execution_id"]).get_indexer(pd.Index(pending["execution_id"]))
    context = departure_context(one, pending, chunk.executions(np.asarray(positions)), chunk.transaction)
    leaving = one.engine.dispatcher.depart(pending, context, chunk.transaction).leaving
    by_action = leaving.groupby("action_type").size()
    return Counter({(chunk.journey.version, str(name)): int(count) for name, count in by_action.items()})
