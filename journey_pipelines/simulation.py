"""Simulate journeys over frames: the same pass that live runs use, on a store in memory, with no way to a provider.

Belongs here: turning frames into a store and a source, and results into frames. Does not belong here: any decision.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from journey_pipelines.delivery.actions.registry import load_actions
from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.frame_source import FrameSource
from journey_pipelines.engine.frames import EVENTS, STARTS, TIME, conform
from journey_pipelines.engine.passes import run_pass
from journey_pipelines.engine.ports import Run, RunMode
from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.document import read_document
from journey_pipelines.journeys.journey import Journey, compile_journey
from journey_pipelines.store.memory import MemoryStore

Document = Mapping[str, Any] | str | Path
Deliver = Callable[[pd.DataFrame], pd.DataFrame]

_EXECUTION_COLUMNS = [
    "execution_id",
    "journey_key",
    "journey_version",
    "customer_id",
    "state",
    "current_node_id",
    "outcome",
    "failure",
    "entered_at",
    "due_at",
    "ended_at",
]
_HELD_COLUMNS = {"journey_key": "str", "run_as_of": TIME, "reason": "str"}


@dataclass(frozen=True)
class SimulationResult:
    """What happened, one frame for each kind of fact. Times are UTC, labels plain strings, visits count from 1."""

    executions: pd.DataFrame  # one row for each entry
    transitions: pd.DataFrame  # one row for each time that a node was left
    dispatches: pd.DataFrame  # one row for each action visit, in request order
    held: pd.DataFrame  # journey_key, run_as_of, reason: journeys that a run left untouched
    events: pd.DataFrame  # the events given; is_used says whether one ended a wait or met a goal
    starts: pd.DataFrame  # the manual starts given, with status and reason


def simulate(
    journey: Document | Sequence[Document],
    *,
    runs: Sequence[datetime],
    features: pd.DataFrame,
    segments: pd.DataFrame | None = None,
    profiles: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    starts: pd.DataFrame | None = None,
    deliver: Deliver | None = None,
    templates: Path | None = None,
    policy: ContactPolicy | None = None,
    suppressions: pd.DataFrame | None = None,
    chunk_rows: int = 50_000,
) -> SimulationResult:
    """Run journeys over historical frames.

    Args:
        journey: a journey document (dict), a path to one, or a list of them.
        runs: the `as_of` of each run: aware datetimes in ascending order.
        features: snapshot_date, customer_id, one column for each feature.
        segments: snapshot_date, segment, customer_id.
        profiles: customer_id, first_name, email, phone, device_tokens, timezone, consents and whatever else.
        events: event_id, customer_id, event_type, occurred_at, received_at, data (dict).
        starts: manual entries: customer_id, at, context (dict); journey_key where there are several journeys.
        deliver: takes the dispatches that leave, returns key, status, result; by default all are sent.
        templates: folder of templates; by default the samples.
        policy: frequency caps and quiet hours; by default none.
        suppressions: channel, address.
        chunk_rows: executions moved in one transaction.

    Raises JourneyDocumentError for documents with problems, UnknownFeatureError for a feature that the snapshot lacks,
    JourneysError for frames of another shape.

    >>> document = {
    ...     "key": "hello", "name": "Hello", "entry": {"rule": {">": [{"var": "baskets"}, 0]}},
    ...     "nodes": [{"id": "start", "type": "start"}, {"id": "done", "type": "end"}],
    ...     "edges": [{"source": "start", "target": "done"}],
    ... }
    >>> features = pd.DataFrame({"snapshot_date": ["2017-03-01"], "customer_id": ["7"], "baskets": [2]})
    >>> simulate(document, runs=[datetime(2017, 3, 1, tzinfo=UTC)], features=features).executions["state"].to_list()
    ['COMPLETED']
    """
    as_ofs = _check_runs(runs)
    template_store = TemplateStore(templates) if templates is not None else TemplateStore()
    actions = load_actions(template_store)
    catalog = Catalog(actions=actions)
    documents = [read_document(one) for one in _listed(journey)]
    journeys = [compile_journey(document, catalog) for document in documents]
    source = FrameSource(features, segments, profiles, segment_names=frozenset().union(*(j.segments for j in journeys)))
    store = MemoryStore()
    with store.transaction() as transaction:
        for document in documents:
            transaction.publish(document, at=as_ofs[0] if as_ofs else datetime(1970, 1, 1, tzinfo=UTC))
        transaction.add_events(_events(events))
        transaction.add_starts(_starts(starts, journeys))
        if suppressions is not None:
            transaction.add_suppressions(suppressions)
    dispatcher = CallableDispatcher(actions, deliver, policy=policy)
    engine = Engine(store, source, dispatcher, catalog, chunk_rows)
    for number, as_of in enumerate(as_ofs, start=1):
        run_pass(engine, Run(f"run-{number}", as_of, RunMode.REPLAY, kind="simulation"))
    return _result(store, {f"run-{number}": as_of for number, as_of in enumerate(as_ofs, start=1)})


def _result(store: MemoryStore, as_ofs: Mapping[str, datetime]) -> SimulationResult:
    with store.transaction() as transaction:
        holds = sorted(transaction.holds(), key=lambda hold: (hold.counts.as_of, hold.journey_key))
        rows = [(hold.journey_key, as_ofs[hold.run_id], hold.reason) for hold in holds]
        held = pd.DataFrame(rows, columns=list(_HELD_COLUMNS)).astype(_HELD_COLUMNS)
        executions = transaction.read("executions")
        others = [column for column in executions.columns if column not in _EXECUTION_COLUMNS]
        return SimulationResult(
            executions=executions[_EXECUTION_COLUMNS + others],
            transitions=transaction.read("transitions"),
            dispatches=transaction.read("dispatches"),
            held=held,
            events=transaction.read("events"),
            starts=transaction.read("starts"),
        )


def _listed(journey: Document | Sequence[Document]) -> list[Document]:
    if isinstance(journey, Mapping | str | Path):
        return [journey]
    return list(journey)


def _check_runs(runs: Sequence[datetime]) -> list[datetime]:
    as_ofs = [pd.Timestamp(run).to_pydatetime() for run in runs]
    naive = [as_of for as_of in as_ofs if as_of.tzinfo is None]
    if naive:
        raise JourneysError(f"runs holds {naive[0]} without a time zone; give aware datetimes, for example in UTC")
    if any(later < earlier for earlier, later in pairwise(as_ofs)):
        raise JourneysError("runs is not in ascending order; sort it, a run never goes back in time")
    return [as_of.astimezone(UTC) for as_of in as_ofs]


def _events(events: pd.DataFrame | None) -> pd.DataFrame:
    if events is None or not len(events):
        return conform(pd.DataFrame({"is_used": pd.Series([], dtype="bool")}), EVENTS)
    _require(events, "events", ["event_id", "customer_id", "event_type", "occurred_at"])
    occurred_at = _times(events["occurred_at"], "events", "occurred_at")
    received_at = occurred_at
    if "received_at" in events:
        received_at = _times(events["received_at"], "events", "received_at").fillna(occurred_at)
    data = _dicts(events["data"], "events", "data") if "data" in events else [{} for _ in range(len(events))]
    return conform(
        events.assign(
            event_id=events["event_id"].astype("str"),
            customer_id=events["customer_id"].astype("str"),
            occurred_at=occurred_at,
            received_at=received_at,
            data=pd.Series(data, index=events.index, dtype=object),
            is_used=False,
        ),
        EVENTS,
    )


def _starts(starts: pd.DataFrame | None, journeys: Sequence[Journey]) -> pd.DataFrame:
    if starts is None or not len(starts):
        return conform(pd.DataFrame(), STARTS)
    _require(starts, "starts", ["customer_id", "at"])
    numbered = starts.reset_index(drop=True)
    numbered = numbered.assign(
        start_id=[f"start-{number:09d}" for number in range(len(numbered))],
        customer_id=numbered["customer_id"].astype("str"),
        at=_times(numbered["at"], "starts", "at"),
        context=pd.Series(
            _dicts(numbered["context"], "starts", "context") if "context" in numbered else [{} for _ in numbered.index],
            dtype=object,
        ),
        status="waiting",
    )
    if "journey_key" in numbered:
        return conform(numbered, STARTS)
    # every journey that is simulated
    copies = [numbered.assign(journey_key=j.key, start_id=numbered["start_id"] + f"-{j.key}") for j in journeys]
    return conform(pd.concat(copies, ignore_index=True), STARTS)


def _require(frame: pd.DataFrame, name: str, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        raise JourneysError(
            f"the frame {name} lacks the columns {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}"
        )
    if frame[list(columns)].isna().any(axis=None):
        raise JourneysError(f"the frame {name} has rows without {' or '.join(columns)}; leave them out")


def _times(column: pd.Series, frame: str, name: str) -> pd.Series:
    try:
        return pd.to_datetime(column, utc=True, format=None if column.dtype.kind == "M" else "ISO8601").astype(TIME)
    except (ValueError, TypeError) as error:
        raise JourneysError(f"the frame {frame} has a value in {name} that is no time: {error}") from error


def _dicts(column: pd.Series, frame: str, name: str) -> list[dict[str, Any]]:
    values = [{} if value is None or value != value else value for value in column]
    try:
        parsed = [json.loads(value) if isinstance(value, str) else value for value in values]
    except ValueError as error:
        raise JourneysError(f"the frame {frame} has text in {name} that is no JSON: {error}") from error
    if not all(isinstance(value, dict) for value in parsed):
        raise JourneysError(f"the frame {frame} has a value in {name} that is no object; give a dict for each row")
    return parsed
