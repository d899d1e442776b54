"""What happens when a group of executions enters a node: one function for each node type, in one visible table."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from journey_pipelines.engine import calendar
from journey_pipelines.engine.identity import chances
from journey_pipelines.engine.instants import to_instants
from journey_pipelines.engine.passed import leave_passed
from journey_pipelines.engine.waits import enter_wait
from journey_pipelines.journeys.nodes import (
    ActionNode,
    AttributeWait,
    ConditionNode,
    DateWait,
    DurationWait,
    EndNode,
    EventWait,
    Node,
    SplitNode,
    StartNode,
    TimeWait,
)

if TYPE_CHECKING:
    from journey_pipelines.engine.columns import Rows
    from journey_pipelines.engine.movement import Chunk


def enter(chunk: "Chunk", rows: "Rows", node: Node) -> None:
    """Let these rows enter the node: they leave it at once, or are blocked or ended there."""
    _ENTER[type(node)](chunk, rows, node)


def enter_start(chunk: "Chunk", rows: "Rows", node: StartNode) -> None:
    """The entry point is left at once."""
    chunk.leave(rows, node, None)


def enter_end(chunk: "Chunk", rows: "Rows", node: EndNode) -> None:
    """The journey is over, with the node as its outcome."""
    chunk.end_at(rows, node)


def enter_condition(chunk: "Chunk", rows: "Rows", node: ConditionNode) -> None:
    """The first branch whose rule is true, else the other way."""
    is_open = np.ones(len(rows), dtype=bool)
    for name, rule in node.branches:
        is_true = is_open & rule.mask(chunk.context.frame(rule, rows))
        chunk.leave(rows[is_true], node, name, rule.fingerprint)
        is_open &= ~is_true
    chunk.leave(rows[is_open], node, node.otherwise, node.fingerprint)


def enter_split(chunk: "Chunk", rows: "Rows", node: SplitNode) -> None:
    """An arm by weight; which one is a hash of journey, node and customer."""
    weights = np.array([weight for _, weight in node.branches], dtype=float)
    bounds = np.cumsum(weights) / weights.sum()
    drawn = chances(chunk.journey.key, node.id, chunk.frame["customer_id"].take(rows))
    arms = np.minimum(np.searchsorted(bounds, drawn, side="right"), len(weights) - 1)
    for number, (name, _) in enumerate(node.branches):
        chunk.leave(rows[arms == number], node, name)


def enter_action(chunk: "Chunk", rows: "Rows", node: ActionNode) -> None:
    """A dispatch for each; those outside the action's window wait for its next opening.

    Who passed it on another version goes on: nobody is sent a passed node again.
    """
    rows = leave_passed(chunk, rows, node)
    if node.window is None:
        chunk.request(rows, node)
        return
    opens_at = calendar.window_opening(
        chunk.now(rows),
        chunk.zones.take(rows).reset_index(drop=True),
        start=node.window.start,
        end=node.window.end,
        weekdays=node.window.weekdays,
    )
    opening = to_instants(opens_at)
    is_open = opening <= chunk.as_of
    chunk.request(rows[is_open], node)
    chunk.wait(rows[~is_open], opening[~is_open])


_ENTER: dict[type, Callable[[Any, Any, Any], None]] = {
    StartNode: enter_start,
    EndNode: enter_end,
    ConditionNode: enter_condition,
    SplitNode: enter_split,
    ActionNode: enter_action,
    DurationWait: enter_wait,
    TimeWait: enter_wait,
    DateWait: enter_wait,
    AttributeWait: enter_wait,
    EventWait: enter_wait,
}
