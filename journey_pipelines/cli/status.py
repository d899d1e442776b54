"""`journeys status`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
import pandas as pd

from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import table
from journey_pipelines.engine.guards import standing_hold
from journey_pipelines.engine.ports import Hold, StoredVersion, StoreTransaction
from journey_pipelines.engine.states import STATES, UNFINISHED


@click.command()
@click.option("--json", "is_json", is_flag=True, help="As JSON, whose keys stay the same (see the reference).")
def status(*, is_json: bool) -> None:
    """Show how many executions are in which state and where, what was delivered, and which journeys are held."""
    with installation().store.transaction() as transaction:
        found = read_status(transaction)
    click.echo(json.dumps(found, indent=2) if is_json else _as_text(found))


def read_status(transaction: StoreTransaction) -> dict[str, Any]:
    """Everything that `journeys status --json` prints."""
    counts = transaction.status_counts()
    dispatches = transaction.dispatch_counts()
    newest = {version.journey_key: version for version in transaction.versions()}
    holds = transaction.holds()
    return {
        "journeys": [_journey(transaction, version, counts, holds) for version in newest.values()],
        "dispatches": dispatches.rename(columns={"journey_key": "journey"}).to_dict("records"),
        "last_run": _last_run(transaction),
    }


def _journey(
    transaction: StoreTransaction, version: StoredVersion, counts: pd.DataFrame, holds: Sequence[Hold]
) -> dict[str, Any]:
    own = counts[counts["journey_key"] == version.journey_key]
    by_state = own.groupby("state")["count"].sum()
    standing = own[own["state"].isin(UNFINISHED)]
    nodes = standing[["journey_version", "current_node_id", "state", "count"]]
    return {
        "key": version.journey_key,
        "name": str(version.document.get("name", "")),
        "status": version.status,
        "version": version.version,
        "executions": {state: int(by_state.get(state, 0)) for state in STATES},
        "nodes": nodes.rename(columns={"journey_version": "version", "current_node_id": "node"}).to_dict("records"),
        "held": _held(transaction, version.journey_key, holds),
    }


def _held(transaction: StoreTransaction, key: str, holds: Sequence[Hold]) -> dict[str, Any] | None:
    hold = standing_hold(transaction.accepted(key), [hold for hold in holds if hold.journey_key == key])
    if hold is None:
        return None
    return {"run_id": hold.run_id, "as_of": hold.counts.as_of.isoformat(), "reason": hold.reason}


def _last_run(transaction: StoreTransaction) -> dict[str, Any] | None:
    runs = transaction.read("runs", mode="live").tail(1)
    if not len(runs):
        return None
    run: dict[str, Any] = runs.to_dict("records")[0]
    return {
        "run_id": run["run_id"],
        "kind": run["kind"],
        "as_of": run["as_of"].isoformat(),
        "is_closed": bool(run["is_closed"]),
    }


def _as_text(found: Mapping[str, Any]) -> str:
    journeys = found["journeys"]
    if not journeys:
        return "No journey is published yet. Publish one with: journeys publish FILE"
    heads = ["journey", "version", "status", *(state.lower().replace("_", " ") for state in STATES)]
    rows = [[j["key"], str(j["version"]), j["status"], *(j["executions"][state] for state in STATES)] for j in journeys]
    parts = [table(heads, rows)]
    standing = [
        [j["key"], str(node["version"]), node["node"], node["state"].lower().replace("_", " "), node["count"]]
        for j in journeys
        for node in j["nodes"]
    ]
    if standing:
        parts.append(table(["journey", "version", "stand at", "state", "executions"], standing))
    if found["dispatches"]:
        sends = [[row["journey"], row["action_type"], row["status"], row["count"]] for row in found["dispatches"]]
        parts.append(table(["journey", "action", "status", "dispatches"], sends))
    parts += [
        f"{j['key']} is held: {j['held']['reason']}\nIf that is right: journeys approve {j['held']['run_id']}"
        for j in journeys
        if j["held"]
    ]
    return "\n\n".join(parts)


COMMANDS: Final[Mapping[str, click.Command]] = {"status": status}
