"""A steady population: every day as many enter a journey as leave it, and each customer comes back after a week."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.bench.standing import DOCUMENT as WELCOME
from journey_pipelines.bench.standing import customer_ids, make_features
from journey_pipelines.engine.frame_source import FrameSource
from journey_pipelines.engine.frames import EVENTS, conform

FIRST_NOON: Final = datetime(2017, 3, 1, 12, tzinfo=UTC)
COMES_BACK_AFTER: Final = 7  # days
PURCHASE: Final = "customer.purchase"
SEGMENT: Final = "visitors"
# the welcome journey, whose last wait may end early by an event
DOCUMENT: Final[dict[str, Any]] = {
    **WELCOME,
    "key": "steady",
    "name": "Steady",
    "entry": {"segment": SEGMENT, "on": "member", "reentry": "P1D"},
    "nodes": [
        {**node, "config": {"event": PURCHASE, "timeout": "P2D"}} if node["id"] == "two_days" else node
        for node in WELCOME["nodes"]
    ],
    "edges": [
        *(edge for edge in WELCOME["edges"] if edge["source"] != "two_days"),
        {"source": "two_days", "target": "done", "branch": "event"},
        {"source": "two_days", "target": "done", "branch": "timeout"},
    ],
}


@dataclass(frozen=True)
class Population:
    """So many customers enter on each day, numbered from 0; whoever entered a week ago enters again."""

    entrants: int

    def as_of(self, day: int) -> datetime:
        """When the run of this day stands."""
        return FIRST_NOON + timedelta(days=day)

    def entrants_of(self, day: int) -> np.ndarray:
        """Places of those who enter on this day."""
        first = day % COMES_BACK_AFTER * self.entrants
        return np.arange(first, first + self.entrants)

    def source(self, day: int, features: pd.DataFrame) -> FrameSource:
        """What the engine reads on this day: the features of everybody, and who visits."""
        dated = f"{self.as_of(day):%Y-%m-%d}"
        customers = pd.Series(customer_ids(self.entrants_of(day)), dtype="str")
        visitors = pd.DataFrame({"snapshot_date": dated, "segment": SEGMENT, "customer_id": customers})
        return FrameSource(features.assign(snapshot_date=dated), visitors, None, segment_names=[SEGMENT])

    def features(self) -> pd.DataFrame:
        """Of everybody, the same on every day."""
        return make_features(self.entrants * COMES_BACK_AFTER)

    def events(self, day: int) -> pd.DataFrame:
        """EVENTS of the hours before the run: every second of those who entered two days ago buys something."""
        buyers = customer_ids(self.entrants_of(day - 2)[::2])
        bought_at = pd.Timestamp(self.as_of(day) - timedelta(hours=3))
        rows = {"event_id": [f"{day}-{who}" for who in buyers], "customer_id": buyers, "event_type": PURCHASE}
        found = pd.DataFrame(rows).assign(occurred_at=bought_at, received_at=bought_at, is_used=False)
        return conform(found, EVENTS)
