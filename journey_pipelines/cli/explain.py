"""`journeys explain`."""

import json
from collections.abc import Mapping
from typing import Any, Final

import click

from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import count_of
from journey_pipelines.cli.story import tell, tell_absence
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.errors import NotFoundError
from journey_pipelines.evidence.archive import Archive
from journey_pipelines.evidence.explanation import Explanation, explain_absences, explain_execution, is_known
from journey_pipelines.evidence.findings import Finding
from journey_pipelines.evidence.snapshot_rows import ROWS_TO_HASH
from journey_pipelines.rules.json_values import to_json


@click.command()
@click.argument("who", metavar="CUSTOMER|EXECUTION")
@click.option("--json", "is_json", is_flag=True, help="As JSON: the stored rows, and the evidence of each decision.")
@click.option("--verify", "is_thorough", is_flag=True, help="Hash snapshots of more than a million rows, too.")
def explain(who: str, *, is_json: bool, is_thorough: bool) -> None:
    """Tell what happened to a customer in every journey, or to one execution, and why.

    Each decision is computed once more from the snapshot that it was made on, and compared with what is stored. Of a
    customer: also why they are not in the other journeys, or not again.
    """
    parts = installation()
    with parts.store.transaction() as transaction:
        limit = None if is_thorough else ROWS_TO_HASH
        archive = Archive(transaction, parts.catalog, parts.snapshots, rows_to_hash=limit)
        executions = _executions(transaction, who)
        is_execution = bool(executions) and executions[0]["execution_id"] == who
        explained = [explain_execution(archive, execution, policy=parts.policy) for execution in executions]
        if not executions and not is_known(archive, who):
            raise NotFoundError(
                f"{who!r} is neither an execution nor a customer of a journey or of the newest snapshots; "
                "`journeys status` shows where customers are"
            )
        absences = {} if is_execution else explain_absences(archive, who)
    click.echo(json.dumps(_as_json(explained, absences), indent=2) if is_json else _as_text(who, explained, absences))
    if archive.rows.unhashed:
        large = count_of(len(archive.rows.unhashed), "snapshot")
        said = f"{large} of more than {ROWS_TO_HASH:,} rows went by the id in the file; --verify hashes the rows, too"
        click.echo(said, err=True)


def _executions(transaction: StoreTransaction, who: str) -> list[dict[str, Any]]:
    found = transaction.find_execution(who)
    if not len(found):
        found = transaction.executions_of(who)
    rows: list[dict[str, Any]] = found.to_dict("records")
    return rows


def _as_text(who: str, explained: list[Explanation], absences: Mapping[str, Finding]) -> str:
    stories = [tell(one.execution, one.transitions, one.dispatches, one.document, one) for one in explained]
    entered = {one.execution["journey_key"] for one in explained}
    stories += [tell_absence(who, key, finding, is_again=key in entered) for key, finding in absences.items()]
    if not stories:
        return f"Customer {who} is known, but no journey is published yet. Publish one with: journeys publish FILE"
    return "\n\n".join("\n".join(lines) for lines in stories)


def _as_json(explained: list[Explanation], absences: Mapping[str, Finding]) -> dict[str, Any]:
    return {
        "executions": [
            {
                "execution": _plain(one.execution),
                "transitions": [_plain(row) for row in one.transitions],
                "dispatches": [_plain(row) for row in one.dispatches],
                "findings": [finding.as_json() for finding in one.findings],
                "deferrals": dict(one.deferrals),
                "trouble": one.trouble,
            }
            for one in explained
        ],
        "not_entered": {journey_key: finding.as_json() for journey_key, finding in absences.items()},
    }


def _plain(row: Mapping[str, Any]) -> Any:
    return to_json(dict(row))


COMMANDS: Final[Mapping[str, click.Command]] = {"explain": explain}
