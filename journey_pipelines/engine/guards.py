"""The guards: whether a journey may trust the snapshots of a run. They hold a journey; they never raise."""

from collections.abc import Iterable, Sequence

from journey_pipelines.engine.facts import Facts
from journey_pipelines.engine.ports import Hold, SnapshotCounts

MINIMUM_ROWS = 100  # a smaller snapshot may shrink as it likes


def count_snapshots(journey_key: str, segments: Iterable[str], facts: Facts) -> SnapshotCounts:
    """What the journey would accept: its feature snapshot and its segments, with ids and row counts."""
    features = facts.features
    return SnapshotCounts(
        journey_key=journey_key,
        as_of=facts.as_of,
        features_id=features.snapshot_id if features is not None else None,
        features_rows=features.rows if features is not None else 0,
        segments={
            name: (facts.segments[name].snapshot_id, facts.segments[name].rows)
            for name in sorted(segments)
            if name in facts.segments
        },
    )


def check_snapshots(
    counts: SnapshotCounts, segments: Iterable[str], facts: Facts, accepted: SnapshotCounts | None
) -> str | None:
    """Why the journey is held, with the figures; None if nothing is wrong. `accepted` is what it is compared with."""
    problems = [*_feature_problems(counts, facts), *_segment_problems(counts, segments)]
    if accepted is not None:
        problems += _shrunk("feature snapshot", counts.features_rows, accepted.features_rows)
        for name, (_, rows) in counts.segments.items():
            problems += _shrunk(f"segment {name}", rows, accepted.segments.get(name, ("", 0))[1])
    return "; ".join(problems) or None


def baseline(accepted: SnapshotCounts | None, approved: Iterable[Hold]) -> SnapshotCounts | None:
    """What the guards compare with: the last accepted snapshots, or those of a later hold that somebody approved."""
    newest = accepted
    for hold in approved:
        if hold.approved_at is not None and (newest is None or hold.counts.as_of > newest.as_of):
            newest = hold.counts
    return newest


def is_approved(counts: SnapshotCounts, holds: Iterable[Hold]) -> bool:
    """Whether somebody approved a hold over these snapshots; it may have been over more segments than these."""
    return any(
        hold.approved_at is not None
        and hold.counts.features_id == counts.features_id
        and counts.segments.items() <= hold.counts.segments.items()
        for hold in holds
    )


def standing_hold(accepted: SnapshotCounts | None, holds: Sequence[Hold]) -> Hold | None:
    """The newest of a journey's holds (newest first), unless it was approved or later snapshots were accepted."""
    newest = holds[0] if holds else None
    if newest is None or newest.approved_at is not None:
        return None
    return None if accepted is not None and accepted.as_of >= newest.counts.as_of else newest


def too_many(what: str, planned: int, limit: int | None) -> str | None:
    """Why a run that would do more than the journey allows is held."""
    if limit is None or planned <= limit:
        return None
    return f"too_many_{what}: this run would make {planned} {what}, the journey allows {limit} for one run"


def _feature_problems(counts: SnapshotCounts, facts: Facts) -> list[str]:
    features = facts.features
    if features is None:
        return [f"no_features: there is no feature snapshot dated on or before {facts.as_of:%Y-%m-%d}"]
    if not counts.features_rows:
        return [f"empty_features: the feature snapshot of {features.snapshot_date} has no rows"]
    repeated = features.repeated()
    if repeated is None:
        return []
    reason = (
        f"duplicate_customers: {repeated.customers} customers, {repeated.example} among them, are more than once "
        f"in the feature snapshot of {features.snapshot_date}"
    )
    return [reason]


def _segment_problems(counts: SnapshotCounts, segments: Iterable[str]) -> list[str]:
    return [
        f"unknown_segment: the segment {name} is not known any more"
        for name in sorted(segments)
        if name not in counts.segments
    ]


def _shrunk(what: str, rows: int, before: int) -> list[str]:
    if before < MINIMUM_ROWS or rows * 2 >= before:
        return []
    return [f"shrunk: the {what} has {rows} rows, the last accepted one had {before}"]
