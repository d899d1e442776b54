"""Nodes that an execution passed before it was moved to another version: nobody is sent them again."""

from typing import TYPE_CHECKING

import numpy as np

from journey_pipelines.journeys.nodes import ActionNode

if TYPE_CHECKING:
    from journey_pipelines.engine.columns import Rows
    from journey_pipelines.engine.movement import Chunk


def mark_of(node_id: str) -> str:
    """The key in `visits` that says so."""
    return f"{node_id}!"


def leave_passed(chunk: "Chunk", rows: "Rows", node: ActionNode) -> "Rows":
    """Let those who passed the action before a migration go on by the way they took then; returns the others."""
    mark = mark_of(node.id)
    has_passed = np.array([mark in seen for seen in chunk.columns["visits"][rows]], dtype=bool)
    passed = rows[has_passed]
    if not len(passed):
        return rows
    key = f"action_result_{node.id}"
    results = [context.get(key, {}) for context in chunk.columns["context"][passed]]
    has_failed = np.array([r.get("success") is False and not r.get("skipped") for r in results], dtype=bool)
    has_failed &= chunk.journey.way(node.id, "failed") is not None
    chunk.leave(passed[has_failed], node, "failed")
    chunk.leave(passed[~has_failed], node, None)
    others: Rows = rows[~has_passed]
    return others
