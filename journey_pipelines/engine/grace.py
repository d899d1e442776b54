"""Grace: how long a customer may be missing from the features before the journey gives up on them."""

from datetime import datetime, timedelta

import pandas as pd

from journey_pipelines.engine import calendar
from journey_pipelines.engine.frames import TIME
from journey_pipelines.engine.ports import Run
from journey_pipelines.journeys.journey import Journey


def grace_began(journey: Journey, run: Run) -> datetime:
    """Who is missing since then or longer has used up the journey's grace."""
    now = pd.Series([pd.Timestamp(run.as_of)], dtype=TIME)
    began = calendar.add(now, pd.Series([journey.timezone], dtype="str"), -journey.missing_grace)
    at: datetime = began.iloc[0].to_pydatetime()
    return at


def grace_may_be_over(journey: Journey, run: Run) -> datetime:
    """Nobody who is missing for less has used up the grace, wherever they live; each one's own calendar decides.

    Days differ by an hour or so between time zones, months by their lengths.
    """
    slack = timedelta(0) if journey.missing_grace.is_elapsed else timedelta(days=4)
    return min(grace_began(journey, run) + slack, run.as_of)
