"""Why an execution ended before an end node: its goal, its exit rule, its segment."""

from collections.abc import Iterator
from dataclasses import replace

from journey_pipelines.evidence.archive import Archive, RunSnapshots
from journey_pipelines.evidence.evaluations import evaluate
from journey_pipelines.evidence.findings import Finding, Verdict
from journey_pipelines.evidence.passages import Passage, first_event
from journey_pipelines.rules import Rule


def ending_finding(passage: Passage, archive: Archive) -> Finding | None:
    """The evidence of an end by goal or exit; None for any other state."""
    execution = passage.execution
    outcome = execution["outcome"]
    if outcome not in ("goal", "exit_rule"):
        return None
    about = Finding(
        "ending", Verdict.STATED, node_id=execution["current_node_id"], branch=outcome, at=execution["ended_at"]
    )
    goal = passage.journey.goal
    if outcome == "goal" and goal is not None and goal.event is not None:
        return _goal_event(about, passage, archive, goal.event, goal.rule)
    findings = [
        replace(found, run_id=read.run_id, snapshot_id=read.features)
        for read in archive.read_at(execution["ended_at"].to_pydatetime())
        for found in _over(about, passage, archive, read)
    ]
    confirmed = [finding for finding in findings if finding.verdict is Verdict.CONFIRMED]
    return (confirmed or findings)[0]


def _goal_event(about: Finding, passage: Passage, archive: Archive, event_type: str, rule: Rule | None) -> Finding:
    entered_at, ended_at = (passage.execution[name].to_pydatetime() for name in ("entered_at", "ended_at"))
    events = archive.events(passage.customer_id, event_type, after=entered_at, as_of=ended_at)
    event, evaluation = first_event(events, rule)
    about = replace(about, evaluations=() if evaluation is None else (evaluation,))
    if rule is not None:
        about = replace(about, fingerprint=rule.fingerprint)
    if event is None:
        return replace(about, verdict=Verdict.CONTRADICTED, remark=f"no {event_type} that counts is stored")
    remark = f"the event {event_type} {event['event_id']} occurred at {event['occurred_at'].isoformat()}"
    return replace(about, verdict=Verdict.CONFIRMED, remark=remark)


def _over(about: Finding, passage: Passage, archive: Archive, read: RunSnapshots) -> Iterator[Finding]:
    journey = passage.journey
    goal = journey.goal
    rule = journey.exit.rule if about.branch == "exit_rule" else (None if goal is None else goal.rule)
    if rule is not None:
        yield from _by_rule(about, passage, archive, read, rule)
    if about.branch == "exit_rule" and journey.exit.on_leave_segment:
        yield _by_segment(about, passage, archive, read)
    elif rule is None:
        yield replace(
            about, verdict=Verdict.CONTRADICTED, remark=f"this version has no rule for the outcome {about.branch}"
        )


def _by_rule(about: Finding, passage: Passage, archive: Archive, read: RunSnapshots, rule: Rule) -> Iterator[Finding]:
    about = replace(about, fingerprint=rule.fingerprint)
    ended_at = passage.execution["ended_at"].to_pydatetime()
    name = "exit" if about.branch == "exit_rule" else "goal"
    context = passage.execution["context"]
    for reads in archive.reads(passage.journey, passage.customer_id, read, ended_at, context, rules=[rule]):
        trouble = reads.trouble_for(rule)
        if trouble:
            yield replace(about, verdict=Verdict.UNCHECKED, remark=trouble)
            continue
        evaluation = evaluate(name, rule, reads)
        verdict = Verdict.CONFIRMED if evaluation.is_true else Verdict.CONTRADICTED
        remark = f"the {name} rule is {'true' if evaluation.is_true else 'false'} for these values"
        yield replace(about, verdict=verdict, evaluations=(evaluation,), remark=remark)


def _by_segment(about: Finding, passage: Passage, archive: Archive, read: RunSnapshots) -> Finding:
    name = str(passage.journey.entry.segment)
    row = archive.segment_row(read, name, passage.customer_id)
    if row.trouble or not row.snapshot_id:
        return replace(about, verdict=Verdict.UNCHECKED, remark=row.trouble or f"there is no snapshot of {name}")
    verdict = Verdict.CONTRADICTED if row.has_row else Verdict.CONFIRMED
    said = "are still" if row.has_row else "are no longer"
    return replace(about, verdict=verdict, remark=f"they {said} in the segment {name} ({row.snapshot_id})")
