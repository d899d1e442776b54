"""Small dispatches, contexts and stores for the tests of delivery."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from journey_pipelines.delivery.actions import ActionType, load_actions
from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.delivery.departure import depart
from journey_pipelines.delivery.unsubscribe import UnsubscribeLinks
from journey_pipelines.engine.frames import DISPATCHES, TIME, conform
from journey_pipelines.engine.ports import Departure, DepartureContext
from journey_pipelines.store.memory import MemoryStore

NOW = datetime(2017, 3, 1, 12, 0, tzinfo=UTC)


class FixedVariables:
    """Variables from a dict of columns; a name that it lacks is null in every row."""

    def __init__(self, columns: Mapping[str, Sequence[object]], configs: Sequence[dict[str, Any]]) -> None:
        self._columns = columns
        self._configs = configs

    def column(self, path: str) -> pd.Series:
        return pd.Series(list(self._columns.get(path, [None] * len(self._configs))), dtype=object)

    def configs(self) -> pd.Series:
        return pd.Series(list(self._configs), dtype=object)


def dispatches(*action_types: str, **columns: Any) -> pd.DataFrame:
    """One pending dispatch for each action type, of customers c0, c1, ...; keywords replace columns."""
    count = len(action_types)
    names = [f"c{number}" for number in range(count)]
    frame = pd.DataFrame(
        {
            "key": [f"{name}:node:1" for name in names],
            "execution_id": names,
            "journey_key": "welcome",
            "journey_version": 1,
            "customer_id": names,
            "node_id": "node",
            "visit": 1,
            "action_type": list(action_types),
            "priority": 0,
            "status": "pending",
            "attempt": 0,
            "requested_at": pd.Timestamp(NOW),
            "due_at": pd.Timestamp(NOW),
        }
    )
    return conform(frame.assign(**columns), DISPATCHES)


def leaving(action_type: str, payloads: Sequence[dict[str, Any]], **columns: Any) -> pd.DataFrame:
    """Dispatches of one type with these payloads, as a deliverer gets them."""
    return dispatches(*[action_type] * len(payloads), payload=list(payloads), left_at=pd.Timestamp(NOW), **columns)


def context(
    configs: Sequence[dict[str, Any]],
    columns: Mapping[str, Sequence[object]],
    *,
    as_of: datetime = NOW,
    zones: Sequence[str] | None = None,
    stale_before: Sequence[object] | None = None,
) -> DepartureContext:
    count = len(configs)
    return DepartureContext(
        as_of=as_of,
        variables=FixedVariables(columns, configs),
        timezones=pd.Series(list(zones or ["UTC"] * count), dtype="str"),
        stale_before=pd.Series(list(stale_before or [None] * count), dtype=TIME),
    )


def departed(
    frame: pd.DataFrame,
    config: dict[str, Any] | Sequence[dict[str, Any]],
    columns: Mapping[str, Sequence[object]],
    *,
    policy: ContactPolicy | None = None,
    store: MemoryStore | None = None,
    actions: Mapping[str, ActionType] | None = None,
    links: UnsubscribeLinks | None = None,
    **circumstances: Any,
) -> Departure:
    """The departure of these dispatches; one config is that of a node which they share."""
    configs = [config] * len(frame) if isinstance(config, dict) else list(config)
    with (store or MemoryStore()).transaction() as transaction:
        return depart(
            frame,
            context(configs, columns, **circumstances),
            transaction,
            actions=actions or load_actions(),
            policy=policy or ContactPolicy(),
            links=links,
        )
