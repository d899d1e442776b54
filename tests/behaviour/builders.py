"""Small builders for journeys and frames: a chain of nodes, everybody in the features every day."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd

from journey_pipelines.simulation import SimulationResult, simulate

MARCH = datetime(2017, 3, 1, 12, tzinfo=UTC)
START = {"id": "start", "type": "start"}
DONE = {"id": "done", "type": "end"}
SMS = {"id": "sms", "type": "action", "config": {"action_type": "send_sms", "message": "Hello {{customer_id}}"}}
EVERYBODY = {"rule": {"!!": [{"var": "customer_id"}]}}


def action(node_id: str, action_type: str = "send_sms", **config: Any) -> dict[str, Any]:
    """An action node; an SMS that says hello unless the config says otherwise."""
    defaults = {"send_sms": {"message": "Hello"}, "award_points": {"points": 100, "reason": "Bonus"}}
    filled = {**defaults.get(action_type, {}), **config}
    return {"id": node_id, "type": "action", "config": {"action_type": action_type, **filled}}


def wait(node_id: str, **config: Any) -> dict[str, Any]:
    """A wait node."""
    return {"id": node_id, "type": "wait", "config": config}


def condition(node_id: str, rule: Any) -> dict[str, Any]:
    """A two-way condition."""
    return {"id": node_id, "type": "condition", "config": {"rule": rule}}


def end(node_id: str) -> dict[str, Any]:
    """An end node."""
    return {"id": node_id, "type": "end"}


def edge(source: str, target: str, branch: str | None = None) -> dict[str, Any]:
    """An edge, with its branch where the source has several ways out."""
    return {"source": source, "target": target, **({"branch": branch} if branch else {})}


def chain(*nodes: Mapping[str, Any], **keys: Any) -> dict[str, Any]:
    """A journey from start through these nodes to the end `done`; everybody in the features enters."""
    path = [START, *nodes, DONE]
    edges = [edge(a["id"], b["id"]) for a, b in pairwise(path)]
    return journey(path, edges, **keys)


def journey(nodes: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]], **keys: Any) -> dict[str, Any]:
    """A journey document; everybody in the features enters unless `entry` says otherwise."""
    return {"key": "test", "name": "Test", "entry": EVERYBODY, "nodes": list(nodes), "edges": list(edges), **keys}


def days(count: int, *, first: datetime = MARCH) -> list[datetime]:
    """One instant a day."""
    return [first + timedelta(days=number) for number in range(count)]


def hours(count: int, *, first: datetime = MARCH) -> list[datetime]:
    """One instant an hour."""
    return [first + timedelta(hours=number) for number in range(count)]


def features(
    customers: Iterable[Any] = ("7",), *, dates: Iterable[Any] = ("2017-01-01",), **columns: Any
) -> pd.DataFrame:
    """A row for each date and customer. A column is one value, a dict by customer, or a dict by (date, customer)."""
    rows = []
    for date in dates:
        for customer in customers:
            values = {name: _cell(cell, str(date), customer) for name, cell in columns.items()}
            rows.append({"snapshot_date": str(date), "customer_id": customer, **values})
    return pd.DataFrame(rows, columns=["snapshot_date", "customer_id", *columns])


def segments(members: Mapping[str, Iterable[str]], *, segment: str = "loyal") -> pd.DataFrame:
    """Members of one segment by date."""
    rows = [(date, segment, customer) for date, customers in members.items() for customer in customers]
    return pd.DataFrame(rows, columns=["snapshot_date", "segment", "customer_id"])


def profiles(customers: Iterable[str] = ("7",), **columns: Any) -> pd.DataFrame:
    """A profile with a phone and an e-mail address for each customer, and what the columns say."""
    everybody = list(customers)
    frame = pd.DataFrame({"customer_id": everybody})
    frame["phone"] = "+12025550143"
    frame["email"] = [f"c{customer}@example.com" for customer in everybody]
    for name, value in columns.items():
        frame[name] = pd.Series([_cell(value, "", customer) for customer in everybody], dtype=object)
    return frame


def event(event_id: str, occurred_at: datetime, **fields: Any) -> dict[str, Any]:
    """An event of customer 7: a purchase, received when it occurred, unless the fields say otherwise."""
    base = {"event_id": event_id, "customer_id": "7", "event_type": "customer.purchase", "occurred_at": occurred_at}
    return {**base, "received_at": occurred_at, "data": {}, **fields}


def run(journey: Any, runs: Sequence[datetime], **frames: Any) -> SimulationResult:
    """Simulate; customer 7 with phone and address where no frames are given."""
    frames.setdefault("features", features())
    frames.setdefault("profiles", profiles(frames["features"]["customer_id"].unique()))
    if isinstance(frames.get("events"), list):
        frames["events"] = pd.DataFrame(frames["events"])
    if isinstance(frames.get("starts"), list):
        frames["starts"] = pd.DataFrame(frames["starts"])
    return simulate(journey, runs=list(runs), **frames)


def answers(*statuses: str, result: Mapping[str, Any] | None = None) -> Any:
    """A deliverer: the first status for the first call, and so on, then always the last. `calls` keeps the keys."""
    calls: list[list[str]] = []

    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        status = statuses[min(len(calls), len(statuses) - 1)]
        calls.append(dispatches["key"].to_list())
        results = [dict(result or {}) for _ in range(len(dispatches))]
        return pd.DataFrame({"key": dispatches["key"], "status": status, "result": results})

    deliver.calls = calls  # type: ignore[attr-defined]
    return deliver


def visited(result: SimulationResult) -> list[str]:
    """Nodes left, in order."""
    nodes: list[str] = result.transitions["node_id"].to_list()
    return nodes


def only(frame: pd.DataFrame) -> Any:
    """The single row of a frame."""
    assert len(frame) == 1, frame
    return frame.iloc[0]


def _cell(cell: Any, date: str, customer: Any) -> Any:
    if isinstance(cell, dict):
        return cell.get((date, customer), cell.get(customer))
    return cell
