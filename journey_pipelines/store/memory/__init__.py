"""The journey store in memory: immutable frames, replaced at commit. For simulations, replays and tests."""

from journey_pipelines.store.memory.store import MemoryStore

__all__ = ["MemoryStore"]
