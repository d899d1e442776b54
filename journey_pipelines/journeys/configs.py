"""The configs of nodes as pydantic models, one for each form that a node type has."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from journey_pipelines.errors import Problem, pointer
from journey_pipelines.journeys.durations import NOTHING, ONE_HOUR
from journey_pipelines.journeys.models import (
    AnyDuration,
    Branch,
    ClockTime,
    LastingDuration,
    Moment,
    Name,
    Part,
    PositiveDuration,
    RuleDocument,
    Weekdays,
)
from journey_pipelines.journeys.validation import read_part

ACTION_KEYS: Final = ("action_type", "retry", "window")  # the rest of an action's config belongs to its type


def own_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an action's config that belongs to its type."""
    return {key: value for key, value in config.items() if key not in ACTION_KEYS}


class NoConfig(Part):
    """Start and end have nothing to configure."""


class RetryConfig(Part):
    """How often a transient error is tried again; `attempts` counts all, the first included."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    backoff: LastingDuration = ONE_HOUR


class WindowConfig(Part):
    """The customer's local times at which a send may leave."""

    start: Annotated[ClockTime, Field(alias="from")]
    end: Annotated[ClockTime, Field(alias="to")]
    weekdays: Weekdays | None = None


class ActionConfig(Part):
    """What all actions share."""

    action_type: Name
    retry: RetryConfig = RetryConfig()
    window: WindowConfig | None = None


class RuleConfig(Part):
    """A condition with two ways, `true` and `false`."""

    rule: RuleDocument


class NamedRule(Part):
    """One of a condition's branches."""

    name: Branch
    rule: RuleDocument


class BranchesConfig(Part):
    """A condition with many ways, tried in order, and `else`."""

    branches: Annotated[list[NamedRule], Field(min_length=1)]


class SplitArm(Part):
    """One arm of a split and its share."""

    name: Branch
    weight: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class SplitConfig(Part):
    """Arms by weight."""

    branches: Annotated[list[SplitArm], Field(min_length=1)]


class DurationConfig(Part):
    """Wait for a time."""

    duration: LastingDuration


class UntilTimeConfig(Part):
    """Wait for the next such local time."""

    time: ClockTime | None = None
    weekdays: Weekdays | None = None


class UntilDateConfig(Part):
    """Wait for a date; without an offset it is the customer's local time."""

    at: Moment


class AttributeConfig(Part):
    """Wait for a date that the context holds."""

    until_attribute: Name
    offset: AnyDuration = NOTHING
    if_missing: Literal["fail", "continue"] = "fail"


class EventConfig(Part):
    """Wait for an event, at most `timeout`."""

    event: Name
    rule: RuleDocument = None
    timeout: PositiveDuration
    since: Literal["arrival", "entry"] = "arrival"


# beside `until`, which has two forms of its own
_WAITS: Final[Mapping[str, type[Part]]] = {
    "duration": DurationConfig,
    "until_attribute": AttributeConfig,
    "event": EventConfig,
}


def read_config(kind: str, config: Mapping[str, Any], at: str) -> tuple[Part | None, list[Problem]]:
    """The config of a node of type `kind` in its model, or None and what is wrong; `at` is the config's pointer."""
    match kind:
        case "action":
            return read_part(ActionConfig, {key: config[key] for key in ACTION_KEYS if key in config}, at)
        case "condition":
            return _read_one_of({"rule": RuleConfig, "branches": BranchesConfig}, config, at)
        case "split":
            return read_part(SplitConfig, config, at)
        case "wait":
            return _read_wait(config, at)
        case _:
            return read_part(NoConfig, config, at)


def _read_wait(config: Mapping[str, Any], at: str) -> tuple[Part | None, list[Problem]]:
    until = config.get("until")
    if "until" not in config or any(key in config for key in _WAITS):
        return _read_one_of({"duration": DurationConfig, "until": Part, **_WAITS}, config, at)
    extra = [Problem(pointer(at, key), "unknown key; `until` stands alone") for key in config if key != "until"]
    within = pointer(at, "until")
    if not isinstance(until, Mapping) or not until:
        expected = "expected {time, weekdays} or {at}"
        return None, [*extra, Problem(within, f"{expected}, found {type(until).__name__ if until else until!r}")]
    part, problems = read_part(UntilDateConfig if "at" in until else UntilTimeConfig, until, within)
    return (None if extra else part), [*extra, *problems]


def _read_one_of(
    forms: Mapping[str, type[Part]], config: Mapping[str, Any], at: str
) -> tuple[Part | None, list[Problem]]:
    named = [key for key in forms if key in config]
    if len(named) != 1:
        found = f"found {' and '.join(named)}" if named else "found none"
        return None, [Problem(at, f"expected exactly one of {', '.join(forms)}; {found}")]
    return read_part(forms[named[0]], config, at)
