"""`journeys continue`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, assert_never
from uuid import uuid4

import click
import pandas as pd

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.inputs import JSON_OBJECT, PAST_INSTANT
from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import instant
from journey_pipelines.engine.single import Outcome, SingleAdvance
from journey_pipelines.engine.states import ENDED
from journey_pipelines.errors import JourneysError
from journey_pipelines.live import continue_execution

OWN_FIELDS: Final = ("event_id", "event_type", "data")


@click.command(name="continue")
@click.argument("execution")
@click.option(
    "--event", type=JSON_OBJECT, required=True, help='Such as {"event_type": "customer.purchase", "amount": 9}.'
)
@click.option(
    "--at",
    type=PAST_INSTANT,
    help="When it occurred, and the time for which the execution moves; by default the current time.",
)
def continue_(execution: str, event: dict[str, Any], at: datetime | None) -> None:
    """Give an execution the event that it waits for, and move it; what it requests leaves with the next run.

    The event needs an event_type; its other fields are what the wait's rule reads. An event_id that is known already
    adds nothing.
    """
    occurred_at = at or now()
    row = _event(event, occurred_at)
    made = continue_execution(installation(), execution, row, as_of=occurred_at)
    kept = "The event is kept." if made.is_new else f"The event {row['event_id'].iloc[0]} is known already."
    click.echo(f"{kept} {_told(made.advance, str(event['event_type']), occurred_at)}")


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


def _told(made: SingleAdvance, event_type: str, at: datetime) -> str:
    """What became of the execution, and what to do next."""
    row = made.execution
    node, journey = row["current_node_id"], row["journey_key"]
    match made.outcome:
        case Outcome.MOVED if row["state"] in ENDED:
            return f"The execution moved and has ended at {node} ({row['state']})."
        case Outcome.MOVED:
            return f"The execution moved to {node}. What it sends leaves with the next run or `journeys advance`."
        case Outcome.NOT_DUE:
            return _why_not_due(row, event_type, at)
        case Outcome.MISSING:
            return f"The execution stays at {node}: customer {row['customer_id']} is not in the feature snapshot."
        case Outcome.PAUSED:
            return f"The execution stays at {node}: journey {journey} is paused; `journeys resume {journey}` ends that."
        case Outcome.HELD:
            return f"{_why_not_due(row, event_type, at)} Journey {journey} is held: {made.reason}."
        case Outcome.ENDED:
            return f"The execution has ended at {node} meanwhile ({row['state']})."
        case Outcome.BUSY:
            return f"A run is moving the execution at this moment; that run or the next one looks at {node}."
        case _:
            assert_never(made.outcome)


def _why_not_due(row: Mapping[str, Any], event_type: str, at: datetime) -> str:
    node = row["current_node_id"]
    if row["waiting_for"] != event_type:
        awaited = row["waiting_for"]
        waits = f"waits for {awaited}" if isinstance(awaited, str) else "waits for no event"
        return f"At {node} the execution {waits}; only a goal or a later wait may read this one."
    if at <= row["events_since"]:
        return (
            f"It occurred before the wait at {node} began to count ({instant(row['events_since'])}); it moves nobody."
        )
    return f"The execution stays at {node}; the next run looks again."


COMMANDS: Final[Mapping[str, click.Command]] = {"continue": continue_}
