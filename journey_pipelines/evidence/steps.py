"""Why an execution left a node by the way it took: conditions, splits, waits for events."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.engine import calendar
from journey_pipelines.engine.identity import chances
from journey_pipelines.engine.migration import MIGRATED
from journey_pipelines.evidence.archive import Archive, Row
from journey_pipelines.evidence.evaluations import evaluate
from journey_pipelines.evidence.findings import Evaluation, Finding, Verdict
from journey_pipelines.evidence.passages import Passage
from journey_pipelines.evidence.reads import Reads
from journey_pipelines.journeys.nodes import ConditionNode, EventWait, SplitNode

NOT_NOTED: Final = "the run did not note its profile snapshot; the one that lies there for its day was read"


def step_finding(passage: Passage, number: int, archive: Archive) -> Finding | None:
    """The evidence of a transition; None where there was one way only, or nothing is known of the node.

    Nothing is computed of a step that a migration made, nor of the end of a wait that it brought somebody into, whose
    due time is that of another wait.
    """
    left = passage.transitions[number]
    node = passage.node_of(left)
    is_brought = number > 0 and passage.transitions[number - 1]["branch"] == MIGRATED
    if left["branch"] == MIGRATED or (is_brought and isinstance(node, EventWait)):
        return None
    match node:
        case ConditionNode():
            return _condition(passage, number, node, archive)
        case SplitNode():
            return _split(passage, number, node)
        case EventWait():
            return _event_wait(passage, number, node, archive)
        case _:
            return None


def _condition(passage: Passage, number: int, node: ConditionNode, archive: Archive) -> Finding:
    left = passage.transitions[number]
    as_of = left["run_as_of"].to_pydatetime()
    read = archive.read_by_run(left["run_id"], features=_text(left["snapshot_id"]), as_of=as_of)
    # the transition's own snapshot decides, whatever the run noted
    read = replace(read, features=_text(left["snapshot_id"]))
    context = passage.context_before(number, archive)
    rules = [rule for _, rule in node.branches]
    candidates = archive.reads(passage.journey, passage.customer_id, read, as_of, context, rules=rules)
    findings = [_over(_about("condition", left), node, reads) for reads in candidates]
    confirmed = [finding for finding in findings if finding.verdict is Verdict.CONFIRMED]
    chosen = (confirmed or findings)[0]
    reads_profile = any("customer" in rule.columns for _, rule in node.branches)
    if reads_profile and not read.is_noted and not chosen.remark:
        return replace(chosen, remark=NOT_NOTED)
    return chosen


def _over(about: Finding, node: ConditionNode, reads: Reads) -> Finding:
    trouble = next(filter(None, (reads.trouble_for(rule) for _, rule in node.branches)), "")
    if trouble:
        return replace(about, verdict=Verdict.UNCHECKED, remark=trouble)
    if not reads.features.has_row:
        return replace(
            about,
            verdict=Verdict.CONTRADICTED,
            remark=f"snapshot {reads.features.snapshot_id or 'of no features'} has no row of the customer",
        )
    tried: list[Evaluation] = []
    for name, rule in node.branches:
        tried.append(evaluate(name, rule, reads))
        if tried[-1].is_true:
            break
    return _judged(replace(about, evaluations=tuple(tried)), node)


def _judged(finding: Finding, node: ConditionNode) -> Finding:
    last = finding.evaluations[-1]
    branch, fingerprint = (last.of, last.fingerprint) if last.is_true else (node.otherwise, node.fingerprint)
    if last.is_true is None:
        return replace(finding, verdict=Verdict.CONTRADICTED, remark=f"the rule cannot be evaluated: {last.fault}")
    if branch != finding.branch:
        remark = f"these values lead to the branch {branch!r}, the store says {finding.branch!r}"
        return replace(finding, verdict=Verdict.CONTRADICTED, remark=remark)
    if finding.fingerprint is not None and fingerprint != finding.fingerprint:
        remark = f"the rule of this version has the fingerprint {fingerprint}, the store says {finding.fingerprint}"
        return replace(finding, verdict=Verdict.CONTRADICTED, remark=remark)
    return replace(finding, verdict=Verdict.CONFIRMED)


def _split(passage: Passage, number: int, node: SplitNode) -> Finding:
    weights = np.array([weight for _, weight in node.branches], dtype=float)
    drawn = float(chances(passage.journey.key, node.id, pd.Series([passage.customer_id]))[0])
    arm = min(int(np.searchsorted(np.cumsum(weights) / weights.sum(), drawn, side="right")), len(weights) - 1)
    about = _about("split", passage.transitions[number])
    branch = node.branches[arm][0]
    if branch == about.branch:
        return replace(about, verdict=Verdict.CONFIRMED, remark=f"their number there is {drawn:.4f}")
    remark = f"their number {drawn:.4f} leads to the branch {branch!r}, the store says {about.branch!r}"
    return replace(about, verdict=Verdict.CONTRADICTED, remark=remark)


def _event_wait(passage: Passage, number: int, node: EventWait, archive: Archive) -> Finding:
    about = _about("wait", passage.transitions[number])
    event, evaluation = passage.event_of(number, node, archive)
    if event is not None and event["occurred_at"] > _timeout_at(passage, number, node, archive):
        event = None
    evaluations = () if evaluation is None else (evaluation,)
    about = replace(about, evaluations=evaluations)
    if event is not None:
        remark = f"the event {node.event} {event['event_id']} occurred at {event['occurred_at'].isoformat()}"
    else:
        remark = f"no {node.event} that counts came in time"
    if (event is not None) == (about.branch == "event"):
        return replace(about, verdict=Verdict.CONFIRMED, remark=remark)
    return replace(about, verdict=Verdict.CONTRADICTED, remark=f"{remark}, the store says {about.branch!r}")


def _timeout_at(passage: Passage, number: int, node: EventWait, archive: Archive) -> pd.Timestamp:
    """When the wait was over: counted from arrival, in the zone that the profile had then."""
    arrived = passage.arrived_at(number)
    before = passage.transitions[number - 1] if number else passage.transitions[number]
    read = archive.read_by_run(before["run_id"], features=None, as_of=arrived)
    zones = archive.zones(read, passage.customer_id, passage.journey.timezone)
    arrivals = pd.Series([pd.Timestamp(arrived)]).dt.as_unit("us")
    at: pd.Timestamp = calendar.add(arrivals, zones, node.timeout).iloc[0]
    return at


def _about(what: str, left: Row) -> Finding:
    return Finding(
        about=what,
        verdict=Verdict.STATED,
        node_id=left["node_id"],
        visit=int(left["visit"]),
        branch=_text(left["branch"]),
        at=left["at"],
        run_id=_text(left["run_id"]),
        snapshot_id=_text(left["snapshot_id"]),
        fingerprint=_text(left["fingerprint"]),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
