"""The explanation of one execution, or of a customer who is not in a journey: findings in the order of the story."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.evidence.archive import Archive, Row
from journey_pipelines.evidence.deferrals import deferral
from journey_pipelines.evidence.endings import ending_finding
from journey_pipelines.evidence.entries import absence_finding, entry_finding
from journey_pipelines.evidence.findings import Finding
from journey_pipelines.evidence.messages import message_findings
from journey_pipelines.evidence.passages import Passage
from journey_pipelines.evidence.refusals import refusal_finding
from journey_pipelines.evidence.steps import step_finding


@dataclass(frozen=True)
class Explanation:
    """The stored rows of one execution, and the findings about them."""

    execution: Row
    transitions: list[Row]
    dispatches: list[Row]
    document: Mapping[str, Any]
    entry: Finding | None = None
    steps: Mapping[tuple[str, int], Finding] = field(default_factory=dict)  # (node, visit) -> why it was left so
    ending: Finding | None = None
    messages: list[Finding] = field(default_factory=list)  # actions that were never requested
    deferrals: Mapping[str, str] = field(default_factory=dict)  # dispatch key -> what holds it back
    refusals: Mapping[str, Finding] = field(default_factory=dict)  # dispatch key -> why it was skipped
    documents: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)  # of the versions on which it was
    trouble: str = ""  # why nothing can be computed once more

    @property
    def findings(self) -> list[Finding]:
        """All of them, in the order of the story."""
        known = (self.entry, *self.steps.values(), *self.refusals.values(), self.ending, *self.messages)
        return [finding for finding in known if finding is not None]


def explain_execution(archive: Archive, execution: Row, *, policy: ContactPolicy | None = None) -> Explanation:
    """Everything that is stored of one execution, each decision computed once more."""
    execution_id = execution["execution_id"]
    transitions = archive.transaction.read("transitions", execution_id=execution_id).to_dict("records")
    dispatches = archive.transaction.read("dispatches", execution_id=execution_id).to_dict("records")
    key, version = str(execution["journey_key"]), int(execution["journey_version"])
    versions = {version, *(int(row["journey_version"]) for row in transitions)}
    published = archive.transaction.versions(key)
    documents = {stored.version: stored.document for stored in published if stored.version in versions}
    document = documents.get(version, {})
    journeys = {number: journey for number in versions if (journey := archive.journey(key, number)) is not None}
    if len(journeys) < len(versions):
        version = min(versions - set(journeys))
        trouble = f"version {version} of {key} cannot be compiled any more, so that nothing was computed once more"
        return Explanation(execution, transitions, dispatches, document, documents=documents, trouble=trouble)
    # each row belongs to the version on which it was written
    on = {n: Passage(execution, one, transitions, dispatches, journeys) for n, one in journeys.items()}
    passage = on[version]
    steps = ((row, step_finding(on[row["journey_version"]], n, archive)) for n, row in enumerate(transitions))
    sends = [(row, on.get(row["journey_version"], passage)) for row in dispatches]
    refusals = {row["key"]: refusal_finding(archive, one, row) for row, one in sends}
    deferrals = {row["key"]: deferral(archive, one, row, policy) for row, one in sends}
    return Explanation(
        execution=execution,
        transitions=transitions,
        dispatches=dispatches,
        document=document,
        documents=documents,
        entry=entry_finding(on[transitions[0]["journey_version"]] if transitions else passage, archive),
        steps={(row["node_id"], int(row["visit"])): found for row, found in steps if found is not None},
        ending=ending_finding(passage, archive),
        messages=list(message_findings(passage)),
        deferrals={key: text for key, text in deferrals.items() if text},
        refusals={key: found for key, found in refusals.items() if found is not None},
    )


def explain_absences(archive: Archive, customer_id: str) -> dict[str, Finding]:
    """For each journey that the customer is not in: why they did not enter it, or not again."""
    newest = {stored.journey_key: stored for stored in archive.transaction.versions()}
    past = archive.transaction.executions_of(customer_id)
    found = {}
    for key, stored in sorted(newest.items()):
        journey = archive.journey(key, stored.version)
        own = past[past["journey_key"] == key]
        if journey is None or own["ended_at"].isna().any():
            continue
        last = own.to_dict("records")[-1] if len(own) else None
        found[key] = absence_finding(archive, journey, customer_id, status=stored.status, last=last)
    return found


def is_known(archive: Archive, customer_id: str) -> bool:
    """Whether the newest feature or profile snapshot that a run has read has a row of the customer."""
    runs = archive.decided()
    if not runs:
        return False
    read = archive.read_by_run(runs[0]["run_id"], features=None, as_of=runs[0]["as_of"].to_pydatetime())
    return any(archive.rows.row(named, customer_id).has_row for named in (read.features, read.profiles))
