"""Replays: journeys walked over past days by the same engine, in memory, without anything that could send.

Belongs here: which days are walked, what actions are answered with, what is kept of the history, and its comparison
with another one. Does not belong here: any rule of the engine's; channels, providers and the live store, which nothing
here may import (a contract says so).
"""

from journey_pipelines.replay.comparison import Comparison, Walked, compare
from journey_pipelines.replay.days import PartitionDays, PastDays
from journey_pipelines.replay.forecast import DailyCounts, forecast
from journey_pipelines.replay.history import History, Kept
from journey_pipelines.replay.response import ALL_SUCCEED, ResponseModel
from journey_pipelines.replay.walk import Progress, Replayed, replay

__all__ = [
    "ALL_SUCCEED",
    "Comparison",
    "DailyCounts",
    "History",
    "Kept",
    "PartitionDays",
    "PastDays",
    "Progress",
    "Replayed",
    "ResponseModel",
    "Walked",
    "compare",
    "forecast",
    "replay",
]
