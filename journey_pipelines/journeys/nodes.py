"""Compiled nodes: what the engine moves people through. Frozen values; rules are compiled, durations parsed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Literal

from pydantic import BaseModel

from journey_pipelines.journeys.durations import NOTHING, ONE_HOUR, Duration
from journey_pipelines.rules import Rule


@dataclass(frozen=True)
class Retry:
    """How often a transient error is tried again; `attempts` counts all, the first included."""

    attempts: int = 3
    backoff: Duration = ONE_HOUR


@dataclass(frozen=True)
class Window:
    """Local times [start, end) at which a send may leave, on days (0 is Monday; None: every day) that open it.

    An `end` that is not after `start` is on the next day.
    """

    start: time
    end: time
    weekdays: frozenset[int] | None = None


@dataclass(frozen=True)
class _Named:
    id: str

    @property
    def fingerprint(self) -> str | None:
        """Of the rule that decides here, or None where none does."""
        return None


@dataclass(frozen=True)
class StartNode(_Named):
    """Where every execution begins."""


@dataclass(frozen=True)
class EndNode(_Named):
    """Where an execution completes, with the node's id as its outcome."""


@dataclass(frozen=True)
class ActionNode(_Named):
    """Something is done: `config` is the action type's own part of the node's config, `parameters` its model."""

    action_type: str
    config: Mapping[str, Any]
    parameters: BaseModel | None
    retry: Retry = Retry()
    window: Window | None = None


@dataclass(frozen=True)
class ConditionNode(_Named):
    """The first branch whose rule is true, else `otherwise`."""

    branches: tuple[tuple[str, Rule], ...]
    otherwise: str

    @property
    def fingerprint(self) -> str:
        """Of the rule, or of all rules in their order."""
        prints = [rule.fingerprint for _, rule in self.branches]
        return prints[0] if len(prints) == 1 else hashlib.sha256(":".join(prints).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class DurationWait(_Named):
    """Wait for a time."""

    duration: Duration


@dataclass(frozen=True)
class TimeWait(_Named):
    """Wait for the next such local time after arrival; without `time` for the start of such a day."""

    time: time | None
    weekdays: frozenset[int] | None


@dataclass(frozen=True)
class DateWait(_Named):
    """Wait for a date; a naive one is the customer's local time."""

    at: datetime


@dataclass(frozen=True)
class AttributeWait(_Named):
    """Wait for a date that the context holds under `path`, moved by `offset`."""

    path: str
    offset: Duration = NOTHING
    if_missing: Literal["fail", "continue"] = "fail"


@dataclass(frozen=True)
class EventWait(_Named):
    """Wait for an event that passes `rule` (over the event's fields), at most `timeout` from arrival."""

    event: str
    rule: Rule | None
    timeout: Duration
    since: Literal["arrival", "entry"] = "arrival"

    @property
    def fingerprint(self) -> str | None:
        """Of the event's filter."""
        return self.rule.fingerprint if self.rule else None


@dataclass(frozen=True)
class SplitNode(_Named):
    """Arms with weights of any sum above zero."""

    branches: tuple[tuple[str, float], ...]


WaitNode = DurationWait | TimeWait | DateWait | AttributeWait | EventWait
Node = StartNode | EndNode | ActionNode | ConditionNode | WaitNode | SplitNode
