"""Events over columns: which event ends a wait or meets a goal first, and what the context keeps of it."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from journey_pipelines.engine.frames import iso_texts
from journey_pipelines.engine.instants import to_instants, to_times
from journey_pipelines.rules import Rule

if TYPE_CHECKING:
    from journey_pipelines.engine.columns import Rows
    from journey_pipelines.engine.movement import Chunk
    from journey_pipelines.journeys.nodes import EventWait

_OWN_FIELDS = ("event_id", "event_type", "customer_id", "occurred_at", "received_at", "data")


def first_events(chunk: "Chunk", rows: "Rows", node: "EventWait") -> pd.DataFrame:
    """The first event that ends the wait of each row that has one: EVENTS columns and `row`.

    It occurred after `events_since` and at or before the timeout; ties go by event id.
    """
    until = chunk.columns["due_at"][rows]
    return _first(chunk, rows, node.event, node.rule, since=chunk.columns["events_since"][rows], until=until)


def goal_events(chunk: "Chunk", rows: "Rows", event_type: str, rule: Rule | None) -> pd.DataFrame:
    """The first event since entry that meets the goal of each row that has one: EVENTS columns and `row`."""
    until = np.full(len(rows), chunk.as_of)
    return _first(chunk, rows, event_type, rule, since=chunk.columns["entered_at"][rows], until=until)


def take_events(chunk: "Chunk", events: pd.DataFrame, node: "EventWait") -> None:
    """Let the rows of these events leave the wait, with the event in their context."""
    if not len(events):
        return
    rows = events["row"].to_numpy()
    chunk.set_context(rows, "event", describe(events))
    chunk.used_event_ids.append(pd.Index(events["event_id"]))
    chunk.due[rows] = to_instants(events["occurred_at"])
    chunk.leave(rows, node, "event", node.fingerprint)


def describe(events: pd.DataFrame) -> list[dict[str, object]]:
    """What the context keeps: the event's data beside its id, type and ISO-8601 instant."""
    return [
        {**data, "event_id": event_id, "event_type": event_type, "occurred_at": occurred_at}
        for data, event_id, event_type, occurred_at in zip(
            events["data"], events["event_id"], events["event_type"], iso_texts(events["occurred_at"]), strict=True
        )
    ]


def event_frame(events: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """The columns that a filter over events reads: the event's own fields and those of its data."""
    names = set(rule.columns)
    if rule.reads_everything:
        names |= set(_OWN_FIELDS).union(*events["data"])
    columns = {}
    for name in sorted(names):
        if name in _OWN_FIELDS:
            columns[name] = events[name].array
        else:
            cells = np.empty(len(events), dtype=object)
            cells[:] = [data.get(name) for data in events["data"]]
            columns[name] = cells
    return pd.DataFrame(columns, index=pd.RangeIndex(len(events)))


def _first(
    chunk: "Chunk", rows: "Rows", event_type: str, rule: Rule | None, *, since: np.ndarray, until: np.ndarray
) -> pd.DataFrame:
    waiting = pd.DataFrame(
        {
            "row": rows,
            "customer_id": chunk.frame["customer_id"].take(rows).array,
            "since": to_times(since),
            "until": to_times(until),
        }
    )
    if not len(waiting):
        return _none()
    events = chunk.transaction.events(
        pd.Index(waiting["customer_id"].unique()), [event_type], after=waiting["since"].min(), as_of=chunk.run.as_of
    )
    if rule is not None and len(events):
        events = events[rule.mask(event_frame(events, rule))]
    pairs = waiting.merge(events, on="customer_id", how="inner")
    is_in_time = (pairs["occurred_at"] > pairs["since"]) & (pairs["occurred_at"] <= pairs["until"])
    ordered = pairs[is_in_time].sort_values(["row", "occurred_at", "event_id"], kind="stable")
    return ordered.drop_duplicates("row").reset_index(drop=True)


def _none() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in ("row", *_OWN_FIELDS)}).astype({"row": "int64"})
