"""Why a customer who was in a journey did not enter it once more."""

from datetime import datetime

import pandas as pd

from journey_pipelines.engine import calendar
from journey_pipelines.evidence.admissions import Admission
from journey_pipelines.evidence.archive import Archive, Row, RunSnapshots
from journey_pipelines.journeys.durations import Duration
from journey_pipelines.journeys.journey import Journey


def kept_out(archive: Archive, journey: Journey, last: Row, read: RunSnapshots, as_of: datetime) -> Admission | None:
    """What re-entry says of somebody whose last execution this is, in a run with this `as_of`; None: they may enter."""
    entered_at: pd.Timestamp = last["entered_at"]
    when = f"they entered it on {entered_at.date().isoformat()}"
    if pd.isna(last["ended_at"]):
        return Admission(is_admitted=False, because=f"{when} and are in it still")
    reentry = journey.entry.reentry
    if reentry == "never":
        return Admission(is_admitted=False, because=f"{when}, and nobody enters it twice")
    if entered_at.date() == as_of.date():
        return Admission(is_admitted=False, because=f"{when}, and nobody enters twice on one day")
    if isinstance(reentry, Duration):
        again_at = _again_at(archive, journey, last, read, reentry)
        if again_at > as_of:
            because = f"{when}, and may enter again from {again_at:%Y-%m-%d %H:%M} UTC on"
            return Admission(is_admitted=False, because=because)
    return None


def _again_at(archive: Archive, journey: Journey, last: Row, read: RunSnapshots, interval: Duration) -> pd.Timestamp:
    zones = archive.zones(read, str(last["customer_id"]), journey.timezone)
    at: pd.Timestamp = calendar.add(pd.Series([last["entered_at"]]).dt.as_unit("us"), zones, interval).iloc[0]
    return at
