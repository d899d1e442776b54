"""Customer journeys for everybody at once: a batch engine inside Dagster.

Belongs here: the rooms of the product (`rules`, `journeys`, `engine`, `store`, `delivery`, `snapshots`, `cli`) and the
one place that wires them for Dagster (`definitions`). Does not belong here: assets and resources, which have top-level
packages of their own.
"""
