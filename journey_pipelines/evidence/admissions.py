"""Whether a run let a customer into a journey by segment and rule, criterion by criterion."""

from dataclasses import dataclass, replace
from datetime import datetime

from journey_pipelines.evidence.archive import Archive, RunSnapshots
from journey_pipelines.evidence.evaluations import evaluate
from journey_pipelines.evidence.findings import Evaluation
from journey_pipelines.evidence.reads import Reads
from journey_pipelines.journeys.journey import Journey


@dataclass(frozen=True)
class Admission:
    """What segment and rule said: `is_admitted` is None where that is not known any more."""

    is_admitted: bool | None
    because: str
    evaluations: tuple[Evaluation, ...] = ()
    is_old_member: bool = False  # refused only since the customer was in the segment before


@dataclass(frozen=True)
class Candidacy:
    """One customer before one journey in a run with this `as_of`, which read these snapshots."""

    journey: Journey
    customer_id: str
    read: RunSnapshots
    as_of: datetime


def admission(archive: Archive, candidacy: Candidacy) -> Admission:
    """Segment first, then the features, then the rule. Re-entry is not looked at."""
    entry = candidacy.journey.entry
    if entry.segment is None and entry.rule is None:
        return Admission(is_admitted=False, because="only who is started by hand enters")
    said = []
    if entry.segment is not None:
        member = _membership(archive, candidacy)
        if not member.is_admitted:
            return member
        said.append(member.because)
    if entry.rule is None:
        return Admission(is_admitted=True, because=" and ".join(said))
    ruled = _ruled(archive, candidacy)
    return replace(ruled, because=" and ".join([*said, ruled.because]))


def _membership(archive: Archive, candidacy: Candidacy) -> Admission:
    entry = candidacy.journey.entry
    name = str(entry.segment)
    now = archive.segment_row(candidacy.read, name, candidacy.customer_id)
    if now.trouble:
        return Admission(is_admitted=None, because=now.trouble)
    if not now.has_row:
        of = f" ({now.snapshot_id})" if now.snapshot_id else ", of which there is no snapshot"
        return Admission(is_admitted=False, because=f"they are not in the segment {name}{of}")
    member = f"they are in the segment {name} ({now.snapshot_id})"
    return Admission(is_admitted=True, because=member) if entry.on == "member" else _joined(archive, candidacy, member)


def _joined(archive: Archive, candidacy: Candidacy, member: str) -> Admission:
    """Whether the member is new: the journey takes who was not in the last snapshot that it accepted before."""
    entry = candidacy.journey.entry
    before = _accepted_before(archive, candidacy)
    if before is None:
        first = (
            "the journey's first run takes its members" if entry.include_existing else "nobody is new at the first run"
        )
        return Admission(is_admitted=entry.include_existing, because=f"{member}, and {first}")
    earlier = archive.segment_row(before, str(entry.segment), candidacy.customer_id)
    if earlier.trouble:
        return Admission(is_admitted=None, because=earlier.trouble)
    if earlier.has_row:
        because = f"{member}, but were in it before ({earlier.snapshot_id}), and the journey takes who joins"
        return Admission(is_admitted=False, because=because, is_old_member=True)
    return Admission(is_admitted=True, because=f"{member} and were not before ({earlier.snapshot_id or 'no snapshot'})")


def _accepted_before(archive: Archive, candidacy: Candidacy) -> RunSnapshots | None:
    """What the last run for an earlier time read that took this journey's segment in; None where there was none."""
    for run in archive.decided():
        at, summary = run["as_of"].to_pydatetime(), run["summary"]
        if at < candidacy.as_of and candidacy.journey.key in summary.get("entered", {}):
            return archive.read_by_run(run["run_id"], features=None, as_of=at)
    return None


def _ruled(archive: Archive, candidacy: Candidacy) -> Admission:
    rule = candidacy.journey.entry.rule
    assert rule is not None
    evaluations = []
    for reads in archive.reads(
        candidacy.journey, candidacy.customer_id, candidacy.read, candidacy.as_of, {}, rules=[rule]
    ):
        trouble = reads.trouble_for(rule)
        if trouble:
            return Admission(is_admitted=None, because=trouble)
        if not reads.features.has_row:
            return Admission(is_admitted=False, because=_without_row(reads))
        evaluations.append(evaluate("entry", rule, reads))
    true = [evaluation for evaluation in evaluations if evaluation.is_true]
    chosen = (true or evaluations)[0]
    return Admission(bool(true), f"the entry rule is {'true' if true else 'false'}", (chosen,))


def _without_row(reads: Reads) -> str:
    return f"they have no row in the features ({reads.features.snapshot_id or 'no snapshot'})"
