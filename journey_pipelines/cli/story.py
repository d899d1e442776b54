"""The story of one execution in plain sentences, from its transitions and dispatches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from journey_pipelines.cli.evidence_lines import evidence
from journey_pipelines.cli.output import instant
from journey_pipelines.engine.migration import MIGRATED
from journey_pipelines.evidence.explanation import Explanation
from journey_pipelines.evidence.findings import Finding, doubts
from journey_pipelines.evidence.refusals import reason_text

Row = Mapping[str, Any]

ENTRIES: Final = {"entry": "entered by the journey's own segment and rules", "manual": "was started by hand"}
OUTCOMES: Final = {
    "goal": "met the journey's goal",
    "exit_rule": "left by the journey's exit rule",
    "cancelled": "was cancelled",
    "migrated": "was ended by a migration to another version",
}


def tell(
    execution: Row,
    transitions: Sequence[Row],
    dispatches: Sequence[Row],
    document: Row,
    known: Explanation | None = None,
) -> list[str]:
    """One line for each thing that happened, in order, after a heading; below a decision its evidence.

    `execution` is an EXECUTIONS row, the others are its rows in the order in which they were written, `document` is
    the version's, `known` what was computed once more.
    """
    known = known or Explanation(execution, list(transitions), list(dispatches), document)
    types = {version: _types(one) for version, one in known.documents.items()}
    by_visit = {(row["node_id"], row["visit"]): row for row in dispatches}
    journey = f"journey {execution['journey_key']}, version {execution['journey_version']}"
    lines = [
        f"Customer {execution['customer_id']} in {journey} (execution {execution['execution_id']}):",
        _line(execution["entered_at"], f"The customer {ENTRIES[execution['entered_via']]}."),
        *_below(known.entry),
    ]
    for left in transitions:
        dispatch = by_visit.pop((left["node_id"], left["visit"]), None)
        if dispatch is not None:
            lines += _dispatch(dispatch, known)
        of_version = types.get(left.get("journey_version", 0), _types(document))
        lines += _departure(left, of_version.get(left["node_id"], ""))
        lines += _below(known.steps.get((left["node_id"], left["visit"])))
    for outstanding in by_visit.values():
        lines += _dispatch(outstanding, known)
    lines += [_standing(execution), *_below(known.ending)]
    return [*lines, *_missed(known, document), *_judgement(known)]


def tell_absence(customer_id: str, journey_key: str, finding: Finding, *, is_again: bool = False) -> list[str]:
    """Why a customer did not enter a journey, or not again, after a heading."""
    first, *rest = evidence(finding)
    entered = f"did not enter journey {journey_key} again" if is_again else f"never entered journey {journey_key}"
    return [
        f"Customer {customer_id} {entered}:",
        _line(finding.at, first),
        *(_line("", text) for text in rest),
    ]


def _types(document: Row) -> dict[str, str]:
    return {node["id"]: node["type"] for node in document.get("nodes", [])}


def _below(finding: Finding | None) -> list[str]:
    return [_line("", text) for text in evidence(finding)]


def _missed(known: Explanation, document: Row) -> Iterator[str]:
    """Actions that the execution never came to."""
    actions = {node["id"]: node.get("config", {}).get("action_type", "") for node in document.get("nodes", [])}
    for finding in known.messages:
        yield _line("", f"No {actions.get(finding.node_id, '')} at {finding.node_id}: {finding.remark}.")


def _judgement(known: Explanation) -> Iterator[str]:
    if known.trouble:
        yield _line("", f"Nothing could be computed once more: {known.trouble}.")
    contradicted = len(doubts(known.findings))
    if contradicted:
        yield _line("", f"{contradicted} of these lines contradict the store; see `journeys doctor`.")


def _departure(left: Row, node_type: str) -> Iterator[str]:
    node, branch = left["node_id"], _text(left["branch"])
    by = f" (run {left['run_id']}, snapshot {_text(left['snapshot_id']) or 'of no features'})"
    if branch == MIGRATED:
        version = left["journey_version"]
        yield _line(left["at"], f"From {node} a migration took them out of version {version} (run {left['run_id']}).")
        return
    sentences = {
        "condition": f"At the condition {node} they took the branch {branch!r}{by}.",
        "split": f"At the split {node} chance put them into the branch {branch!r}.",
        "wait": f"The wait {node} ended" + (f" by its {branch}" if branch else "") + f"{by}.",
        "end": f"They reached the end {node}.",
    }
    if node_type in sentences:
        yield _line(left["at"], sentences[node_type])
    elif node_type == "action" and branch:
        yield _line(left["at"], f"From {node} they took the branch {branch!r}{by}.")


def _dispatch(row: Row, known: Explanation) -> Iterator[str]:
    what = f"{row['action_type']} at {row['node_id']}"
    reason = f": {row['reason']}" if _text(row["reason"]) else ""
    requested = f"{what} was requested (run {_text(row['run_id'])}, snapshot {_text(row['snapshot_id'])})."
    yield _line(row["requested_at"], requested)
    tries = f" at attempt {row['attempt']}" if row["attempt"] > 1 else ""
    unproven = ", though the provider never confirmed it" if row["result"].get("confirmed") is False else ""
    next_at = f"until {instant(row['next_at'])}" if pd.notna(row["next_at"]) else "until the next run"
    match row["status"]:
        case "sent":
            yield _line(row["settled_at"], f"{what} was done{tries}{unproven}.")
        case "skipped":
            yield _line(row["settled_at"], f"{what} was skipped{reason}{reason_text(_text(row['reason']))}.")
            yield from _below(known.refusals.get(row.get("key", "")))
        case "failed":
            yield _line(row["settled_at"], f"{what} failed{tries}{reason}.")
        case "retry":
            yield _line(row["left_at"], f"{what} failed for the moment{reason}; it waits {next_at} for its next try.")
        case "unknown":
            yield _line(row["left_at"], f"Whether {what} got through is not known; it is looked at again, {next_at}.")
        case "sending":
            yield _line(row["left_at"], f"{what} is being delivered.")
        case _:
            held = f": {known.deferrals[row['key']]}" if row.get("key") in known.deferrals else ""
            yield _line(None, f"{what} has not left yet; it waits {next_at}{held}.")


def _standing(execution: Row) -> str:
    node = execution["current_node_id"]
    outcome = _text(execution["outcome"])
    match execution["state"]:
        case "COMPLETED":
            said = OUTCOMES.get(outcome, f"completed at {outcome}")
            return _line(execution["ended_at"], f"The execution {said}.")
        case "FAILED":
            return _line(execution["ended_at"], f"The execution failed at {node}: {execution['failure']}.")
        case "WAITING":
            awaited = _text(execution["waiting_for"])
            until = f" until {instant(execution['due_at'])}" if pd.notna(execution["due_at"]) else ""
            return _line(None, f"They wait at {node}{f' for {awaited}' if awaited else ''}{until}.")
        case "NOT_STARTED":
            return _line(None, "They have not been moved yet; the next run does.")
        case _:
            return _line(None, f"They are at {node}, whose action is not settled yet.")


def _line(at: Any, sentence: str) -> str:
    """A sentence behind its time; `None` is now, an empty text stands below the line before."""
    when = "" if at == "" else instant(at) if at is not None and pd.notna(at) else "now"
    return f"  {when:<20}  {sentence}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
