"""Forgetting one customer in all places that hold personal data: the store, snapshot files, the outbox folder.

Belongs here: the order of the places, and the proof that nothing is left. Does not belong here: how rows of a table
(`store/`), of a file (`snapshots/`) or messages (`delivery/channels/`) go.
"""

from journey_pipelines.erasure.forgetting import Forgotten, Held, Places, forget, look
from journey_pipelines.erasure.proof import Proof

__all__ = ["Forgotten", "Held", "Places", "Proof", "forget", "look"]
