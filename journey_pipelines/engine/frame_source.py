"""Snapshots from frames in memory: what simulations and replays run on."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import pandas as pd

from journey_pipelines.engine.facts import Facts, Snapshot
from journey_pipelines.engine.frame_snapshot import FrameSnapshot
from journey_pipelines.errors import SnapshotError


class FrameSource:
    """Dated snapshots in two frames; each run sees the newest dated on or before its `as_of` (UTC date).

    `features` has snapshot_date, customer_id and one column for each feature; `segments` has snapshot_date, segment and
    customer_id; `profiles` one row for each customer_id. A segment without rows at a date is empty then.
    """

    def __init__(
        self,
        features: pd.DataFrame,
        segments: pd.DataFrame | None,
        profiles: pd.DataFrame | None,
        *,
        segment_names: Iterable[str],
    ) -> None:
        self._features = _by_date(features, "features", ["customer_id"])
        self._segments = _by_date(segments, "segments", ["segment", "customer_id"]) if segments is not None else {}
        self._profiles = _profiles(profiles)
        self._segment_names = frozenset(segment_names)

    def at(self, as_of: datetime) -> Facts:
        """The newest snapshots on or before this instant's UTC date."""
        today = as_of.astimezone(UTC).date()
        dated = _newest(self._features, today)
        features = None
        if dated is not None:
            features = FrameSnapshot(f"features@{dated}", dated, self._features[dated])
        return Facts(
            as_of=as_of,
            features=features,
            segments=self._segments_at(_newest(self._segments, today)),
            profiles=FrameSnapshot("", today, self._profiles),
        )

    def segment(self, name: str, snapshot_id: str) -> Snapshot:
        """An earlier snapshot of a segment."""
        text = snapshot_id.rpartition("@")[2]
        dated = date.fromisoformat(text) if text else None
        return _segment(self._segments.get(dated) if dated else None, name, dated)

    def features(self, snapshot_id: str) -> Snapshot:
        """An earlier feature snapshot."""
        dated = date.fromisoformat(snapshot_id.partition("@")[2])
        if dated not in self._features:
            raise SnapshotError(f"there is no feature snapshot {snapshot_id}; give simulate() the features of that day")
        return FrameSnapshot(snapshot_id, dated, self._features[dated])

    def _segments_at(self, dated: date | None) -> dict[str, Snapshot]:
        frame = self._segments[dated] if dated is not None else None
        names = self._segment_names | (frozenset(frame["segment"].unique()) if frame is not None else frozenset())
        return {name: _segment(frame, name, dated) for name in sorted(names)}


def _segment(frame: pd.DataFrame | None, name: str, dated: date | None) -> Snapshot:
    members = pd.DataFrame({"customer_id": pd.Series([], dtype="str")})
    if frame is not None:
        members = frame.loc[frame["segment"] == name, ["customer_id"]].reset_index(drop=True)
    return FrameSnapshot(f"{name}@{dated or ''}", dated or date.min, members)


def _newest(frames: dict[date, pd.DataFrame], today: date) -> date | None:
    return max((dated for dated in frames if dated <= today), default=None)


def _by_date(frame: pd.DataFrame, name: str, columns: list[str]) -> dict[date, pd.DataFrame]:
    if frame.empty and not len(frame.columns):
        return {}  # no records make a frame without columns
    missing = [column for column in ("snapshot_date", *columns) if column not in frame]
    if missing:
        raise SnapshotError(
            f"the frame {name} lacks the columns {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}"
        )
    if frame[columns].isna().any(axis=None):
        raise SnapshotError(f"the frame {name} has rows without {' or '.join(columns)}; leave them out")
    try:
        dates = pd.to_datetime(frame["snapshot_date"]).dt.date
    except (ValueError, TypeError) as error:
        raise SnapshotError(f"the frame {name} has a snapshot_date that is no date: {error}") from error
    rest = frame.drop(columns="snapshot_date").assign(customer_id=frame["customer_id"].astype("str"))
    return {
        dated: rest.take(rows).reset_index(drop=True) for dated, rows in rest.groupby(dates.to_numpy()).indices.items()
    }


def _profiles(profiles: pd.DataFrame | None) -> pd.DataFrame:
    if profiles is None or (profiles.empty and not len(profiles.columns)):
        return pd.DataFrame({"customer_id": pd.Series([], dtype="str")})
    if "customer_id" not in profiles:
        raise SnapshotError(f"the frame profiles lacks customer_id; it has {', '.join(map(str, profiles.columns))}")
    return profiles.assign(customer_id=profiles["customer_id"].astype("str")).reset_index(drop=True)
