"""Channels: how rendered messages leave the house.

Belongs here: one file for each way out, all of them behind the protocol in `channel`. Does not belong here: whether a
message may leave, what it says, or what its answer means for a journey.
"""

from journey_pipelines.delivery.channels.channel import Channel
from journey_pipelines.delivery.channels.local_outbox import LocalOutbox

__all__ = ["Channel", "LocalOutbox"]
