"""`journeys continue`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import click
import pandas as pd

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.inputs import JSON_OBJECT, PAST_INSTANT
from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import instant
from journey_pipelines.engine.frames import EVENTS, conform
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.engine.states import ENDED
from journey_pipelines.errors import JourneysError, NotFoundError

OWN_FIELDS: Final = ("event_id", "event_type", "data")


@click.command(name="continue")
@click.argument("execution")
@click.option(
    "--event", type=JSON_OBJECT, required=True, help='Such as {"event_type": "customer.purchase", "amount": 9}.'
)
@click.option("--at", type=PAST_INSTANT, help="When it occurred; by default the current time.")
def continue_(execution: str, event: dict[str, Any], at: datetime | None) -> None:
    """Give an execution the event that it waits for; the next run or advance moves it.

    The event needs an event_type; its other fields are what the wait's rule reads. An event_id that is known already
    adds nothing.
    """
    occurred_at = at or now()
    row = _event(event, occurred_at)
    with installation().store.transaction() as transaction:
        found = _unfinished(transaction, execution)
        is_new = transaction.add_events(conform(row.assign(customer_id=found["customer_id"]), EVENTS))
    if not is_new:
        click.echo(f"The event {row['event_id'].iloc[0]} is known already; nothing was added.")
        return
    click.echo(_outcome(found, str(event["event_type"]), occurred_at))


def _event(event: Mapping[str, Any], at: datetime) -> pd.DataFrame:
    """One EVENTS row without its customer. Raises JourneysError for an event without a type or with an odd id."""
    for name, is_needed in (("event_type", True), ("event_id", False)):
        value = event.get(name)
        if (is_needed or value is not None) and not (isinstance(value, str) and value.strip()):
            raise JourneysError(f"the event's {name} is {value!r}; write a text such as customer.purchase, in --event")
    nested = event.get("data")
    if nested is not None and not isinstance(nested, dict):
        raise JourneysError(f"the event's data is {nested!r}; write a JSON object, or its fields beside event_type")
    data = {**(nested or {}), **{name: value for name, value in event.items() if name not in OWN_FIELDS}}
    return pd.DataFrame(
        {
            "event_id": [event.get("event_id") or f"continue-{uuid4()}"],
            "event_type": [event["event_type"]],
            "occurred_at": [pd.Timestamp(at)],
            "received_at": [pd.Timestamp(at)],
            "data": [data],
            "is_used": [False],
        }
    )


def _unfinished(transaction: StoreTransaction, execution: str) -> Mapping[str, Any]:
    found = transaction.find_execution(execution)
    if not len(found):
        raise NotFoundError(f"there is no execution {execution}; `journeys explain CUSTOMER` lists a customer's")
    row: dict[str, Any] = found.to_dict("records")[0]
    if row["state"] in ENDED:
        raise JourneysError(f"execution {execution} has ended ({row['state']}) and takes no event; nothing was added")
    return row


def _outcome(execution: Mapping[str, Any], event_type: str, at: datetime) -> str:
    node = execution["current_node_id"]
    if execution["waiting_for"] != event_type:
        awaited = execution["waiting_for"]
        waits = f"waits for {awaited}" if isinstance(awaited, str) else "waits for no event"
        return f"The event is kept, but at {node} the execution {waits}; only a goal or a later wait may read it."
    if at <= execution["events_since"]:
        since = instant(execution["events_since"])
        return (
            f"The event is kept, but it occurred before the wait at {node} began to count ({since}); it moves nobody."
        )
    return (
        f"The event is kept. The next run or `journeys advance` with a time at or after {instant(at)} looks at {node}."
    )


COMMANDS: Final[Mapping[str, click.Command]] = {"continue": continue_}
