"""Builders of rows: the given columns, everything else plain."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from journey_pipelines.engine import frames
from journey_pipelines.engine.ports import Changes, StoreTransaction

NOW = datetime(2017, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
CAMPAIGN_IDS = (5, 7)
DOCUMENT = {"key": "welcome", "name": "Welcome", "nodes": [{"id": "start", "type": "start"}]}


def _frame(count: int, plain: Mapping[str, Any], given: Mapping[str, Any], columns: Mapping[str, str]) -> pd.DataFrame:
    values = {name: value if isinstance(value, list) else [value] * count for name, value in {**plain, **given}.items()}
    times = [name for name in values if columns[name] == frames.TIME]
    made = {name: pd.to_datetime(values[name], utc=True) if name in times else values[name] for name in values}
    return frames.conform(pd.DataFrame(made), columns)


def executions(*ids: str, **given: Any) -> pd.DataFrame:
    """EXECUTIONS of the journey `welcome`, each of a customer of its own, in a wait that is not over."""
    plain = {
        "execution_id": list(ids),
        "journey_key": "welcome",
        "journey_version": 1,
        "customer_id": [f"customer-{name}" for name in ids],
        "entry_number": 1,
        "entered_via": "entry",
        "state": "WAITING",
        "current_node_id": "wait",
        "visit": 1,
        "due_at": NOW + HOUR,
        "entered_at": NOW - HOUR,
        "arrived_at": NOW - HOUR,
    }
    return _frame(len(ids), plain, given, frames.EXECUTIONS)


def transitions(*execution_ids: str, **given: Any) -> pd.DataFrame:
    """TRANSITIONS out of the node `wait`."""
    plain = {
        "execution_id": list(execution_ids),
        "journey_key": "welcome",
        "journey_version": 1,
        "customer_id": [f"customer-{name}" for name in execution_ids],
        "node_id": "wait",
        "visit": 1,
        "at": NOW,
        "run_id": "run",
        "run_as_of": NOW,
        "snapshot_id": "features@2017-03-01",
    }
    return _frame(len(execution_ids), plain, given, frames.TRANSITIONS)


def dispatches(*execution_ids: str, **given: Any) -> pd.DataFrame:
    """DISPATCHES of the node `mail`, pending; keys are `<execution>:mail:1`."""
    plain = {
        "key": [f"{name}:mail:1" for name in execution_ids],
        "execution_id": list(execution_ids),
        "journey_key": "welcome",
        "journey_version": 1,
        "customer_id": [f"customer-{name}" for name in execution_ids],
        "node_id": "mail",
        "visit": 1,
        "action_type": "send_email",
        "priority": 0,
        "status": "pending",
        "attempt": 0,
        "requested_at": NOW,
        "due_at": NOW,
        "run_id": "run",
        "snapshot_id": "features@2017-03-01",
    }
    return _frame(len(execution_ids), plain, given, frames.DISPATCHES)


def request(transaction: StoreTransaction, *execution_ids: str, **given: Any) -> None:
    """DISPATCHES of executions that enter now unless they are there."""
    transaction.add_executions(executions(*dict.fromkeys(execution_ids)))
    transaction.save(changes(requested=dispatches(*execution_ids, **given)))


def events(*ids: str, **given: Any) -> pd.DataFrame:
    """EVENTS `purchase` of customer-a, half an hour ago, received at once."""
    plain = {
        "event_id": list(ids),
        "customer_id": "customer-a",
        "event_type": "purchase",
        "occurred_at": NOW - HOUR / 2,
        "received_at": NOW - HOUR / 2,
        "is_used": False,
    }
    return _frame(len(ids), plain, given, frames.EVENTS)


def starts(*ids: str, **given: Any) -> pd.DataFrame:
    """STARTS of the journey `welcome`, due."""
    plain = {
        "start_id": list(ids),
        "journey_key": "welcome",
        "customer_id": [f"customer-{name}" for name in ids],
        "at": NOW,
        "status": "waiting",
    }
    return _frame(len(ids), plain, given, frames.STARTS)


def awards(*keys: str, **given: Any) -> pd.DataFrame:
    """POINTS_TRANSACTIONS of 10 points for customer-a, without balance_after."""
    plain = {
        "dispatch_key": list(keys),
        "customer_id": "customer-a",
        "program_id": 1,
        "points": 10,
        "reason": "Welcome bonus",
        "at": NOW,
        "balance_after": 0,
    }
    return _frame(len(keys), plain, given, frames.POINTS_TRANSACTIONS).drop(columns="balance_after")


def campaigns() -> pd.DataFrame:
    """CAMPAIGNS with the ids 5 and 7."""
    return _frame(2, {}, {"campaign_id": list(CAMPAIGN_IDS), "name": ["Campaign 5", "Campaign 7"]}, frames.CAMPAIGNS)


def campaign_executions(*keys: str, **given: Any) -> pd.DataFrame:
    """CAMPAIGN_EXECUTIONS of campaign 5 for customer-a."""
    plain = {"dispatch_key": list(keys), "campaign_id": 5, "customer_id": "customer-a", "channel": "email", "at": NOW}
    return _frame(len(keys), plain, given, frames.CAMPAIGN_EXECUTIONS)


def suppressions(*addresses: str, **given: Any) -> pd.DataFrame:
    """SUPPRESSIONS of e-mail addresses."""
    plain = {"address": list(addresses), "channel": "email", "reason": "bounced"}
    return _frame(len(addresses), plain, given, frames.SUPPRESSIONS)


def receipts(*keys: str, **given: Any) -> pd.DataFrame:
    """RECEIPTS of one delivery for each dispatch key; the event's id is the key."""
    plain = {
        "provider": "sendgrid",
        "event_id": list(keys),
        "dispatch_key": list(keys),
        "outcome": "delivered",
        "at": NOW,
        "is_applied": False,
    }
    return _frame(len(keys), plain, given, frames.RECEIPTS)


def snapshots(*ids: str, **given: Any) -> pd.DataFrame:
    """SNAPSHOTS of features."""
    plain = {"snapshot_id": list(ids), "kind": "features", "name": "features", "snapshot_date": NOW, "rows": 3}
    return _frame(len(ids), plain, given, frames.SNAPSHOTS)


def changes(
    moved: pd.DataFrame | None = None,
    left: pd.DataFrame | None = None,
    requested: pd.DataFrame | None = None,
    updated: pd.DataFrame | None = None,
    used: tuple[str, ...] = (),
) -> Changes:
    """One chunk; what is left out is empty."""
    return Changes(
        executions=frames.empty(frames.EXECUTIONS) if moved is None else moved,
        transitions=frames.empty(frames.TRANSITIONS) if left is None else left,
        dispatches=frames.empty(frames.DISPATCHES) if requested is None else requested,
        dispatch_updates=frames.empty(frames.DISPATCHES) if updated is None else updated,
        used_event_ids=pd.Index(list(used), dtype="str"),
    )


def due(transaction: StoreTransaction, **given: Any) -> list[str]:
    """Ids that take_due claims now, sorted; of `welcome` version 1 unless said otherwise."""
    asked = {"as_of": NOW, "missing_before": NOW - 72 * HOUR, "limit": 100, **given}
    taken = transaction.take_due("welcome", 1, **asked).frame
    ids: list[str] = taken["execution_id"].tolist()
    return sorted(ids)


def ids(*names: str) -> pd.Index:
    """Text ids as the protocol takes them."""
    return pd.Index(list(names), dtype="str")
