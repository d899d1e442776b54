"""A document in its models as far as they fit: what is right can be looked at further while the rest is reported."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from journey_pipelines.errors import Problem, pointer
from journey_pipelines.journeys.configs import BranchesConfig, EventConfig, RuleConfig, read_config
from journey_pipelines.journeys.models import (
    NODE_TYPES,
    EdgeDocument,
    EntryDocument,
    ExitDocument,
    GoalDocument,
    Header,
    JourneyDocument,
    NodeDocument,
    Part,
)
from journey_pipelines.journeys.validation import Model, read_part, shown, suggestion


@dataclass(frozen=True)
class DraftNode:
    """A node whose id and type can be read; `config` is None where it is wrong."""

    at: str
    id: str
    type: str
    config: Part | None
    raw: Mapping[str, Any]


@dataclass(frozen=True)
class DraftEdge:
    """An edge that can be read."""

    at: str
    edge: EdgeDocument


@dataclass(frozen=True)
class RuleSite:
    """A place of the document that holds a rule, and what the rule reads: entry facts, the context or an event."""

    at: str
    rule: Any
    reads: Literal["entry", "context", "event"]
    node_id: str | None = None


@dataclass(frozen=True)
class Draft:
    """The parts that could be read, and the problems of those that could not."""

    header: Header | None
    entry: EntryDocument | None
    exit: ExitDocument | None
    goal: GoalDocument | None
    nodes: tuple[DraftNode, ...]
    edges: tuple[DraftEdge, ...]
    has_all_nodes: bool  # every one could be read, so that what is missing among them is really missing
    has_all_edges: bool
    problems: tuple[Problem, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the whole graph could be read."""
        return self.has_all_nodes and self.has_all_edges

    def rule_sites(self) -> Iterator[RuleSite]:
        """Every rule of the document, in its order."""
        if self.entry and self.entry.rule is not None:
            yield RuleSite("/entry/rule", self.entry.rule, "entry")
        if self.exit and self.exit.rule is not None:
            yield RuleSite("/exit/rule", self.exit.rule, "context")
        if self.goal and self.goal.rule is not None:
            yield RuleSite("/goal/rule", self.goal.rule, "event" if self.goal.event else "context")
        for node in self.nodes:
            yield from _rules_of(node)


def read_draft(document: Mapping[str, Any]) -> Draft:
    """Read a plain document (`document.read_document`) into its models, with every fault of shape."""
    problems: list[Problem] = []

    def read(model: type[Model], value: Any, at: str) -> Model | None:
        part, found = read_part(model, value, at)
        problems.extend(found)
        return part

    problems.extend(_unknown_keys(document))
    settings = {key: value for key, value in document.items() if key in Header.model_fields}
    goal = document.get("goal")
    return Draft(
        header=read(Header, settings, ""),
        entry=read(EntryDocument, _given(document, "entry"), "/entry"),
        exit=read(ExitDocument, _given(document, "exit"), "/exit"),
        goal=None if goal is None else read(GoalDocument, goal, "/goal"),
        nodes=(nodes := _read_nodes(document, problems)),
        edges=(edges := _read_edges(document, problems)),
        has_all_nodes=_count(document, "nodes") == len(nodes),
        has_all_edges=_count(document, "edges") == len(edges),
        problems=tuple(problems),
    )


def _given(document: Mapping[str, Any], key: str) -> Any:
    value = document.get(key)
    return {} if value is None else value


def _count(document: Mapping[str, Any], key: str) -> int:
    items = document.get(key)
    return len(items) if isinstance(items, list) else -1


def _unknown_keys(document: Mapping[str, Any]) -> list[Problem]:
    known = list(JourneyDocument.model_fields)
    unknown = [key for key in document if key not in known]
    return [Problem(pointer("", key), f"unknown key; {suggestion(key, known)}") for key in unknown]


def _items(document: Mapping[str, Any], key: str, problems: list[Problem]) -> list[Any]:
    items = document.get(key)
    if isinstance(items, list):
        return items
    found = "is missing; write it" if key not in document else f"expected a list, found {shown(items)}"
    problems.append(Problem(pointer("", key), found))
    return []


def _read_nodes(document: Mapping[str, Any], problems: list[Problem]) -> tuple[DraftNode, ...]:
    nodes = []
    for place, item in enumerate(_items(document, "nodes", problems)):
        at = pointer("/nodes", place)
        if isinstance(item, Mapping) and "config" in item and item["config"] is None:
            item = {key: value for key, value in item.items() if key != "config"}
        node, found = read_part(NodeDocument, item, at)
        problems.extend(found)
        if node is None:
            # Enough for the graph, so that the edges of a node with a wrong position are not reported too.
            if isinstance(item, Mapping) and isinstance(item.get("id"), str) and item.get("type") in NODE_TYPES:
                nodes.append(DraftNode(at, item["id"], item["type"], None, {}))
            continue
        config, found = read_config(node.type, node.config, pointer(at, "config"))
        problems.extend(found)
        nodes.append(DraftNode(at, node.id, node.type, config, node.config))
    return tuple(nodes)


def _read_edges(document: Mapping[str, Any], problems: list[Problem]) -> tuple[DraftEdge, ...]:
    edges = []
    for place, item in enumerate(_items(document, "edges", problems)):
        at = pointer("/edges", place)
        edge, found = read_part(EdgeDocument, item, at)
        problems.extend(found)
        if edge is not None:
            edges.append(DraftEdge(at, edge))
    return tuple(edges)


def _rules_of(node: DraftNode) -> Iterator[RuleSite]:
    at = pointer(node.at, "config")
    match node.config:
        case RuleConfig(rule=rule):
            yield RuleSite(pointer(at, "rule"), rule, "context", node.id)
        case BranchesConfig(branches=branches):
            for place, branch in enumerate(branches):
                yield RuleSite(pointer(at, "branches", place, "rule"), branch.rule, "context", node.id)
        case EventConfig(rule=rule) if rule is not None:
            yield RuleSite(pointer(at, "rule"), rule, "event", node.id)
        case _:
            return
