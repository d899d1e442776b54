"""Action types: one file each, listed in `registry`.

Belongs here: what a journey document may say about an action, how its payload is rendered, its effect in our own
store. Does not belong here: reaching a provider (channels), or deciding whether a send may leave (departure).
"""

from journey_pipelines.delivery.actions.action_type import ActionType
from journey_pipelines.delivery.actions.registry import load_actions

__all__ = ["ActionType", "load_actions"]
