"""Bands for entrants and messages by weekday, from what a replay counted on each of its days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import pandas as pd

from journey_pipelines.engine.bands import ENTRANTS, Forecast, weekly_bands
from journey_pipelines.errors import JourneysError

LEFT: Final = ("sent", "failed", "unknown")


@dataclass
class DailyCounts:
    """A `History` that counts, for each day (UTC): who entered, and messages of each action type that left."""

    messages: Sequence[str]  # action types
    _counts: dict[str, dict[date, int]] = field(default_factory=lambda: {ENTRANTS: {}})

    def take(self, table: str, rows: pd.DataFrame) -> None:
        """See `History`."""
        if table == "executions":
            self._add(ENTRANTS, rows["entered_at"])
        elif table == "dispatches":
            left = rows[rows["status"].isin(LEFT) & rows["action_type"].isin(list(self.messages))]
            for name, positions in left.groupby("action_type", sort=True).indices.items():
                self._add(str(name), left["left_at"].take(positions))

    def _add(self, what: str, instants: pd.Series) -> None:
        counts = self._counts.setdefault(what, {})
        for day, count in instants.dt.tz_convert("UTC").dt.date.value_counts().items():
            assert isinstance(day, date)
            counts[day] = counts.get(day, 0) + int(count)

    def on(self, days: Sequence[date]) -> Mapping[str, Mapping[date, int]]:
        """The counts of these days, 0 where there was nothing."""
        return {what: {day: counts.get(day, 0) for day in days} for what, counts in self._counts.items()}


def forecast(
    journey_key: str, version: int, counts: DailyCounts, days: Sequence[date], *, warm_up: int, replay_hash: str
) -> Forecast:
    """The bands of a replay over these days, of which the first `warm_up` are not counted.

    Raises JourneysError where fewer than three days are left.
    """
    counted = days[warm_up:]
    if len(counted) < 3:
        raise JourneysError(
            f"{len(days)} days, of which the first {warm_up} are not counted, are too few for bands; choose a range of "
            "four weeks or more"
        )
    bands = {what: weekly_bands(by_day) for what, by_day in counts.on(counted).items()}
    return Forecast(journey_key, version, counted[0], counted[-1], replay_hash, bands)
