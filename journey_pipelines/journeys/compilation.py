"""Nodes of a document that was found right, compiled: one case for each form that a node has."""

from collections.abc import Sequence

from journey_pipelines.errors import pointer
from journey_pipelines.journeys.checks import Inspection
from journey_pipelines.journeys.configs import (
    ActionConfig,
    AttributeConfig,
    BranchesConfig,
    DurationConfig,
    EventConfig,
    RuleConfig,
    SplitConfig,
    UntilDateConfig,
    UntilTimeConfig,
    WindowConfig,
    own_config,
)
from journey_pipelines.journeys.draft import DraftNode
from journey_pipelines.journeys.models import ELSE, WEEKDAYS
from journey_pipelines.journeys.nodes import (
    ActionNode,
    AttributeWait,
    ConditionNode,
    DateWait,
    DurationWait,
    EndNode,
    EventWait,
    Node,
    Retry,
    SplitNode,
    StartNode,
    TimeWait,
    Window,
)


def compile_node(node: DraftNode, inspection: Inspection) -> Node:
    """The compiled node. Its draft must be without problems."""
    at = pointer(node.at, "config")
    rules = inspection.rules
    match node.config:
        case ActionConfig() as config:
            return _action(node, config, inspection)
        case RuleConfig():
            return ConditionNode(node.id, (("true", rules[pointer(at, "rule")]),), "false")
        case BranchesConfig(branches=named):
            places = [pointer(at, "branches", place, "rule") for place in range(len(named))]
            return ConditionNode(
                node.id, tuple((branch.name, rules[place]) for branch, place in zip(named, places, strict=True)), ELSE
            )
        case SplitConfig(branches=arms):
            return SplitNode(node.id, tuple((arm.name, arm.weight) for arm in arms))
        case DurationConfig(duration=duration):
            return DurationWait(node.id, duration)
        case UntilTimeConfig(time=time, weekdays=weekdays):
            return TimeWait(node.id, time, _numbers(weekdays))
        case UntilDateConfig(at=moment):
            return DateWait(node.id, moment)
        case AttributeConfig() as config:
            return AttributeWait(node.id, config.until_attribute, config.offset, config.if_missing)
        case EventConfig() as config:
            return EventWait(node.id, config.event, rules.get(pointer(at, "rule")), config.timeout, config.since)
        case _:
            return StartNode(node.id) if node.type == "start" else EndNode(node.id)


def _action(node: DraftNode, config: ActionConfig, inspection: Inspection) -> ActionNode:
    return ActionNode(
        node.id,
        config.action_type,
        config=own_config(node.raw),
        parameters=inspection.parameters.get(node.id),
        retry=Retry(config.retry.attempts, config.retry.backoff),
        window=_window(config.window) if config.window else None,
    )


def _window(window: WindowConfig) -> Window:
    return Window(window.start, window.end, _numbers(window.weekdays))


def _numbers(weekdays: Sequence[str] | None) -> frozenset[int] | None:
    return None if weekdays is None else frozenset(WEEKDAYS.index(name) for name in weekdays)
