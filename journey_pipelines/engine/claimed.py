"""What becomes of claimed executions: each leaves where it was and walks on until it is blocked or ended."""

import pandas as pd

from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.movement import Chunk, walk
from journey_pipelines.engine.ports import Changes, StoreTransaction
from journey_pipelines.engine.resume import resume
from journey_pipelines.journeys.journey import Journey


def move_claimed(one: Pass, journey: Journey, claimed: pd.DataFrame, transaction: StoreTransaction) -> Changes:
    """Move due executions of one version, which the transaction holds, and write what changed; returns that."""
    chunk = Chunk(journey, one.run, one.world, transaction, claimed)
    resume(chunk, one.engine.catalog.actions)
    walk(chunk)
    changes = chunk.changes()
    transaction.save(changes)
    return changes
