"""Past days from frames, and journeys to walk over them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from journey_pipelines.engine.facts import Facts
from journey_pipelines.engine.frame_source import FrameSource
from journey_pipelines.engine.frames import EVENTS, conform
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.days import end_of_day
from tests.behaviour.builders import profiles

FIRST = date(2017, 3, 1)


def days(count: int) -> list[date]:
    return [FIRST + timedelta(days=number) for number in range(count)]


class FrameDays:
    """Satisfies `PastDays` over frames: dated features, profiles, events as `builders.event` makes them."""

    def __init__(self, features: pd.DataFrame, *, events: Sequence[dict[str, Any]] = (), **profile: Any) -> None:
        self.dates = set(pd.to_datetime(features["snapshot_date"]).dt.date)
        people = features["customer_id"].unique()
        self.source = FrameSource(features, None, profiles(people, **profile), segment_names=[])
        self._events = pd.DataFrame(list(events), columns=[name for name in EVENTS if name != "is_used"])

    def facts(self, day: date) -> Facts:
        return self.source.at(end_of_day(day))

    def events(self, day: date) -> pd.DataFrame:
        received = pd.to_datetime(self._events["received_at"], utc=True)
        of_day = self._events[(received.dt.date == day).to_numpy(dtype=bool)]
        times = {
            name: pd.to_datetime(of_day[name], utc=True).dt.as_unit("us") for name in ("occurred_at", "received_at")
        }
        return conform(of_day.assign(is_used=False, **times), EVENTS)

    def check(self, asked: Sequence[date]) -> None:
        missing = [day for day in asked if day not in self.dates]
        if missing:
            raise SnapshotError(f"no features of {missing[0]}")


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
