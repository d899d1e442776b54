"""Why a customer entered a journey, or did not."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from journey_pipelines.evidence.admissions import Admission, Candidacy, admission
from journey_pipelines.evidence.archive import Archive, Row, RunSnapshots
from journey_pipelines.evidence.findings import Finding, Verdict
from journey_pipelines.evidence.passages import Passage
from journey_pipelines.evidence.reentries import kept_out
from journey_pipelines.journeys.journey import Journey

LOOKED_BACK: Final = 120  # runs, in search of the one in which a customer joined a segment
CLOSED: Final = {
    "draft": "the journey is a draft",
    "paused": "the journey is paused",
    "archived": "the journey is archived",
}


def entry_finding(passage: Passage, archive: Archive) -> Finding:
    """Why the customer entered: by hand, or by what segment and rule said in the run of that time."""
    if passage.execution["entered_via"] == "manual":
        return _started(passage, archive)
    at = passage.execution["entered_at"]
    # with two runs of one `as_of` it is not noted which of them let the customer in
    found = []
    for read in archive.read_at(at.to_pydatetime()):
        candidacy = Candidacy(passage.journey, passage.customer_id, read, at.to_pydatetime())
        found.append((read, admission(archive, candidacy)))
    read, said = next(((read, said) for read, said in found if said.is_admitted), found[0])
    about = replace(_judged("entry", said, read, passage.journey, has_entered=True), at=at)
    if about.verdict is Verdict.CONTRADICTED and not read.is_noted:
        remark = f"{said.because}, as it lies there now; the run did not note what it read"
        return replace(about, verdict=Verdict.UNCHECKED, remark=remark)
    return about


def _started(passage: Passage, archive: Archive) -> Finding:
    """A start by hand that settled as entered by then."""
    key, at = passage.execution["journey_key"], passage.execution["entered_at"]
    starts = archive.transaction.read("starts", journey_key=key, customer_id=passage.customer_id, status="entered")
    starts = starts[starts["at"] <= at]
    if len(starts):
        last = starts.iloc[-1]
        remark = f"the start {last['start_id']} asked for it as of {last['at'].isoformat()}"
        return Finding("entry", Verdict.CONFIRMED, at=at, remark=remark)
    return Finding("entry", Verdict.UNCHECKED, at=at, remark="the start that asked for it is not kept any more")


def absence_finding(
    archive: Archive, journey: Journey, customer_id: str, *, status: str, last: Row | None = None
) -> Finding:
    """Why a customer did not enter the journey, by the newest run that decided about it; `last`: again, after this.

    Of a journey that takes who joins a segment, by the run in which the customer joined, as far back as that is found.
    """
    if status in CLOSED:
        return Finding("absence", Verdict.STATED, remark=f"{CLOSED[status]}, and nobody enters")
    runs = [run for run in archive.decided() if journey.key not in run["summary"].get("superseded", [])]
    if not runs:
        return Finding("absence", Verdict.STATED, remark="no run has decided about the journey yet")
    held = runs[0]["summary"].get("held", {}).get(journey.key)
    if held is not None:
        return Finding("absence", Verdict.STATED, at=runs[0]["as_of"], remark=f"the run held the journey: {held}")
    for run in runs[:LOOKED_BACK]:
        read, said = _said(archive, journey, customer_id, run, last)
        if not said.is_old_member or (last is not None and run["as_of"] <= last["entered_at"]):
            break
    return replace(_judged("absence", said, read, journey, has_entered=False), at=run["as_of"])


def _said(
    archive: Archive, journey: Journey, customer_id: str, run: Row, last: Row | None
) -> tuple[RunSnapshots, Admission]:
    at: datetime = run["as_of"].to_pydatetime()
    read = archive.read_by_run(run["run_id"], features=None, as_of=at)
    again = None if last is None else kept_out(archive, journey, last, read, at)
    return read, again or admission(archive, Candidacy(journey, customer_id, read, at))


def _judged(what: str, said: Admission, read: RunSnapshots, journey: Journey, *, has_entered: bool) -> Finding:
    """What segment and rule said, against what the store says."""
    verdict = Verdict.CONFIRMED if said.is_admitted is has_entered else Verdict.CONTRADICTED
    rule = journey.entry.rule
    return Finding(
        about=what,
        verdict=Verdict.UNCHECKED if said.is_admitted is None else verdict,
        run_id=read.run_id,
        snapshot_id=read.features,
        fingerprint=None if rule is None else rule.fingerprint,
        evaluations=said.evaluations,
        remark=said.because,
    )
