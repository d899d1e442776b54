"""Exit and goal: looked at for every due execution before it moves; the goal comes first."""

import numpy as np
import pandas as pd

from journey_pipelines.engine.columns import Rows
from journey_pipelines.engine.events import goal_events
from journey_pipelines.engine.movement import Chunk


def leave_early(chunk: Chunk, rows: Rows) -> Rows:
    """Complete those who met the goal or must leave; returns the rows that stay in the journey."""
    met_goal = _meets_goal(chunk, rows)
    chunk.complete(rows[met_goal], "goal")
    rows = rows[~met_goal]
    must_leave = _must_leave(chunk, rows)
    chunk.complete(rows[must_leave], "exit_rule")
    staying: Rows = rows[~must_leave]
    return staying


def _meets_goal(chunk: Chunk, rows: Rows) -> np.ndarray:
    goal = chunk.journey.goal
    if goal is None or not len(rows):
        return np.zeros(len(rows), dtype=bool)
    if goal.event is not None:
        events = goal_events(chunk, rows, goal.event, goal.rule)
        chunk.used_event_ids.append(pd.Index(events["event_id"]))
        return np.isin(rows, events["row"].to_numpy())
    if goal.rule is None:
        return np.zeros(len(rows), dtype=bool)
    mask: np.ndarray = goal.rule.mask(chunk.context.frame(goal.rule, rows))
    return mask


def _must_leave(chunk: Chunk, rows: Rows) -> np.ndarray:
    """The exit rule is true, or one who entered by the segment is no longer in it."""
    leaving = np.zeros(len(rows), dtype=bool)
    rule = chunk.journey.exit.rule
    segment = chunk.journey.entry.segment
    if rule is not None and len(rows):
        leaving |= rule.mask(chunk.context.frame(rule, rows))
    if chunk.journey.exit.on_leave_segment and segment in chunk.world.facts.segments:
        is_member = chunk.world.segment(str(segment)).positions(chunk.frame["customer_id"].take(rows)) >= 0
        # who was started by hand was perhaps never in the segment, and so cannot leave it
        was_member = chunk.columns["entered_via"][rows] == "entry"
        leaving |= was_member & ~is_member
    return leaving
