"""Waits: when each row of a group is due, and who may go on."""

from datetime import datetime
from typing import TYPE_CHECKING, assert_never

import numpy as np
import pandas as pd

from journey_pipelines.engine import calendar
from journey_pipelines.engine.events import first_events, take_events
from journey_pipelines.engine.frames import TIME
from journey_pipelines.engine.instants import instant, tick_after, to_instants
from journey_pipelines.journeys.nodes import AttributeWait, DateWait, DurationWait, EventWait, TimeWait

if TYPE_CHECKING:
    from journey_pipelines.engine.columns import Rows
    from journey_pipelines.engine.movement import Chunk

WaitNode = DurationWait | TimeWait | DateWait | AttributeWait | EventWait

# text that ends in a zone: Z, +01:00, -0500 behind a time of day
_HAS_ZONE = r"T.*(?:Z|[+-]\d{2}:?\d{2})$"


def enter_wait(chunk: "Chunk", rows: "Rows", node: WaitNode) -> None:
    """Block these rows until they are due; those that are due already go on at once.

    That happens once in each run: a wait on a cycle that is over at every arrival would go round for ever, so whoever
    comes to it a second time is due at the next run.
    """
    if isinstance(node, AttributeWait):
        rows = _settle_missing_attribute(chunk, rows, node)
    due = due_times(chunk, rows, node)
    is_repeated = chunk.has_left_in_this_run(rows, node.id)
    due = np.where(is_repeated & (due <= chunk.as_of), _next_tick(chunk.run.as_of), due)
    if isinstance(node, EventWait):
        chunk.wait(rows, due, waiting_for=node.event, events_since=_count_events_from(chunk, rows, node))
    else:
        chunk.wait(rows, due)
    leave_wait(chunk, rows[~is_repeated], node)


def leave_wait(chunk: "Chunk", rows: "Rows", node: WaitNode) -> None:
    """Let those of the waiting rows go on whose event has come or whose time is over; the event wins a tie."""
    if isinstance(node, EventWait):
        events = first_events(chunk, rows, node)
        take_events(chunk, events, node)
        rows = np.setdiff1d(rows, events["row"].to_numpy())
    is_over = chunk.columns["due_at"][rows] <= chunk.as_of
    over = rows[is_over]
    chunk.due[over] = chunk.columns["due_at"][over]
    chunk.leave(over, node, "timeout" if isinstance(node, EventWait) else None)


def due_times(chunk: "Chunk", rows: "Rows", node: WaitNode) -> np.ndarray:
    """When the wait of each row is over (UTC microseconds), counted from arrival at this run's `as_of`."""
    now = chunk.now(rows)
    zones = chunk.zones.take(rows).reset_index(drop=True)
    match node:
        case DurationWait():
            due = calendar.add(now, zones, node.duration)
        case EventWait():
            due = calendar.add(now, zones, node.timeout)
        case TimeWait():
            due = calendar.next_local_time(now, zones, time=node.time, weekdays=node.weekdays)
        case DateWait():
            due = _at(node.at, zones)
        case AttributeWait():
            due = calendar.add(parse_instants(chunk.context.column(node.path, rows), zones), zones, node.offset)
        case _:
            assert_never(node)
    return to_instants(due)


def parse_instants(values: pd.Series, zones: pd.Series) -> pd.Series:
    """Instants from dates, timestamps or ISO-8601 text; without a zone they are wall time in the row's zone.

    What cannot be read as an instant is null.
    """
    text = values.where(values.isna(), values.astype("str")).astype("str").str.strip()
    text = text.str.replace(" ", "T", n=1)
    has_zone = text.str.contains(_HAS_ZONE, regex=True, na=False)
    aware = pd.to_datetime(text.where(has_zone), format="ISO8601", utc=True, errors="coerce").astype(TIME)
    naive = pd.to_datetime(text.mask(has_zone), format="ISO8601", errors="coerce").astype("datetime64[us]")
    is_naive = naive.notna()
    instants = aware.copy()
    if is_naive.any():
        instants[is_naive] = calendar.local_to_utc(naive[is_naive], zones[is_naive])
    return instants


def _settle_missing_attribute(chunk: "Chunk", rows: "Rows", node: AttributeWait) -> "Rows":
    """Rows without the attribute fail, or leave at once where the wait says so; returns the others."""
    zones = chunk.zones.take(rows).reset_index(drop=True)
    is_missing = parse_instants(chunk.context.column(node.path, rows), zones).isna().to_numpy()
    missing = rows[is_missing]
    if node.if_missing == "continue":
        chunk.leave(missing, node, None)
    elif len(missing):
        chunk.fail(missing, "missing_attribute", f"{node.path} has no date for the wait {node.id}")
    kept: Rows = rows[~is_missing]
    return kept


def _count_events_from(chunk: "Chunk", rows: "Rows", node: EventWait) -> np.ndarray:
    """Events after this instant count: arrival, or entry on the first visit of a wait that counts `since: entry`."""
    arrived: np.ndarray = chunk.columns["arrived_at"][rows]
    if node.since == "arrival":
        return arrived
    is_first = chunk.columns["visit"][rows] == 1
    return np.where(is_first, chunk.columns["entered_at"][rows], arrived)


def _at(at: datetime, zones: pd.Series) -> pd.Series:
    if at.tzinfo is not None:
        return pd.Series(pd.Timestamp(at).tz_convert("UTC"), index=zones.index, dtype=TIME)
    return calendar.local_to_utc(pd.Series(pd.Timestamp(at), index=zones.index, dtype="datetime64[us]"), zones)


def _next_tick(as_of: datetime) -> np.datetime64:
    return instant(tick_after(as_of))
