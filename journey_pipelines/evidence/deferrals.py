"""What holds a dispatch back that has not left: quiet hours or a frequency cap, told apart by when it may leave."""

from datetime import time
from zoneinfo import ZoneInfo

import pandas as pd

from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.evidence.archive import Archive, Row
from journey_pipelines.evidence.passages import Passage
from journey_pipelines.evidence.refusals import channel_of
from journey_pipelines.journeys.nodes import ActionNode


def deferral(archive: Archive, passage: Passage, dispatch: Row, policy: ContactPolicy | None) -> str:
    """In words; empty for a dispatch that nothing of the policy holds back now."""
    if dispatch["status"] != "pending" or pd.isna(dispatch["next_at"]) or policy is None:
        return ""
    requested_at = dispatch["requested_at"].to_pydatetime()
    read = archive.read_at(requested_at)[0]
    zone = archive.zones(read, passage.customer_id, passage.journey.timezone).iloc[0]
    at = dispatch["next_at"].tz_convert(ZoneInfo(str(zone))).time()
    if policy.quiet_hours is not None and at == policy.quiet_hours.end:
        return f"quiet hours last until {at:%H:%M} of the customer's time"
    node = passage.journey.nodes.get(dispatch["node_id"])
    cap = policy.caps.get(str(channel_of(archive, node))) if isinstance(node, ActionNode) else None
    if cap is not None and at == time(0):
        return f"the customer's day has had its {cap} of this kind"
    return ""
