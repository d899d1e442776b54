"""Rehearse a run without writing: how many messages it would send if every delivery succeeded."""

import numpy as np
import pandas as pd

from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, stack
from journey_pipelines.engine.movement import Chunk, Rows, grace_began, walk
from journey_pipelines.engine.outbox import departure_context
from journey_pipelines.engine.planning import Plan
from journey_pipelines.engine.ports import Dispatcher, Run, StoreTransaction
from journey_pipelines.engine.resume import resume
from journey_pipelines.engine.variables import World
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.nodes import ActionNode

EVERYBODY = 2**31 - 1


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


def count_sends(
    plan: Plan,
    journey_key: str,
    entrants: pd.DataFrame,
    world: World,
    run: Run,
    transaction: StoreTransaction,
    dispatcher: Dispatcher,
    catalog: Catalog,
) -> int:
    """Messages that would leave for one journey at this run; `entrants` are the EXECUTIONS about to enter."""
    total = 0
    for journey in plan.versions_of(journey_key):
        due = transaction.take_due(
            journey.key,
            journey.version,
            as_of=run.as_of,
            missing_before=grace_began(journey, run),
            limit=EVERYBODY,
        )
        newcomers = entrants[entrants["journey_version"] == journey.version]
        chunk = _rehearse(journey, stack([due, newcomers], EXECUTIONS), world, run, transaction, catalog)
        total += _count_leaving(chunk, plan, world, run, transaction, dispatcher, catalog)
    return total


def _rehearse(
    journey: Journey, frame: pd.DataFrame, world: World, run: Run, transaction: StoreTransaction, catalog: Catalog
) -> RehearsedChunk:
    chunk = RehearsedChunk(journey, run, world, transaction, frame)
    resume(chunk, dict(catalog.actions))
    walk(chunk)
    return chunk


def _count_leaving(
    chunk: Chunk,
    plan: Plan,
    world: World,
    run: Run,
    transaction: StoreTransaction,
    dispatcher: Dispatcher,
    catalog: Catalog,
) -> int:
    requested = stack([*chunk.dispatches, *chunk.dispatch_updates], DISPATCHES)
    messages = [name for name, action in catalog.actions.items() if action.is_message]
    is_message = requested["action_type"].isin(messages) & (requested["status"] == "pending")
    pending = requested[is_message].reset_index(drop=True)
    if not len(pending):
        return 0
    positions = pd.Index(chunk.frame["execution_id"]).get_indexer(pd.Index(pending["execution_id"]))
    executions = chunk.executions(np.asarray(positions))
    context = departure_context(pending, executions, plan, world, run, transaction)
    return len(dispatcher.depart(pending, context, transaction).leaving)
