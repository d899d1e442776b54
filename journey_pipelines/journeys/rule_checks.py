"""Rules compile, and what they read exists."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from journey_pipelines.errors import Problem, pointer
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.configs import AttributeConfig
from journey_pipelines.journeys.draft import Draft, RuleSite
from journey_pipelines.journeys.graph import Graph, reachable
from journey_pipelines.journeys.validation import suggestion
from journey_pipelines.journeys.variables import Variables
from journey_pipelines.rules import Rule, RuleError, compile_rule


class Scopes:
    """The variables at each place of a journey."""

    def __init__(self, draft: Draft, graph: Graph, catalog: Catalog) -> None:
        self._draft = draft
        self._graph = graph
        self._types = {node.id: node.type for node in draft.nodes}
        self._after: dict[str, frozenset[str]] = {}
        declared = frozenset(draft.entry.context) if draft.entry else frozenset()
        self.anywhere = Variables(catalog.features, declared, self._result_fault)
        self.entry = replace(self.anywhere, has_context=False)

    def at(self, node_id: str) -> Variables:
        """What the node can read: also the results of the actions that can come before it."""
        return replace(self.anywhere, result_fault=lambda action_id: self._result_fault(action_id, before=node_id))

    def _result_fault(self, action_id: str, before: str | None = None) -> str | None:
        kind = self._types.get(action_id)
        if kind is None:
            if not self._draft.has_all_nodes:
                return None
            actions = sorted(node_id for node_id, kind in self._types.items() if kind == "action")
            return f"there is no action {action_id!r} that has a result; {suggestion(action_id, actions)}"
        if kind != "action":
            return f"node {action_id!r} is no action but of type {kind}, and has no result"
        if before is not None and self._draft.is_whole and before not in self._reachable(action_id):
            return f"action {action_id!r} never comes before node {before!r}, so that its result is never there"
        return None

    def _reachable(self, node_id: str) -> frozenset[str]:
        if node_id not in self._after:
            self._after[node_id] = reachable(self._graph, node_id)
        return self._after[node_id]


def check_rules(draft: Draft, scopes: Scopes) -> tuple[dict[str, Rule], list[Problem]]:
    """All rules compiled, by JSON pointer, and the problems of rules and of attributes that waits read."""
    rules: dict[str, Rule] = {}
    problems: list[Problem] = []
    for site in draft.rule_sites():
        if site.rule is None:
            problems.append(Problem(site.at, "expected a JSONLogic rule, found null"))
            continue
        try:
            rules[site.at] = rule = compile_rule(site.rule)
        except RuleError as error:
            problems.extend(Problem(site.at + problem.path, problem.message) for problem in error.problems)
            continue
        problems.extend(_unprovided(site, rule, scopes))
    return rules, [*problems, *_check_attributes(draft, scopes)]


def _unprovided(site: RuleSite, rule: Rule, scopes: Scopes) -> Iterator[Problem]:
    if site.reads == "event":
        return
    variables = scopes.entry if site.reads == "entry" else scopes.at(site.node_id) if site.node_id else scopes.anywhere
    for path in sorted(rule.paths):
        fault = variables.fault(path)
        if fault is not None:
            yield Problem(_place_of(path, site), fault)


def _check_attributes(draft: Draft, scopes: Scopes) -> Iterator[Problem]:
    for node in draft.nodes:
        if isinstance(node.config, AttributeConfig):
            fault = scopes.at(node.id).fault(node.config.until_attribute)
            if fault is not None:
                yield Problem(pointer(node.at, "config", "until_attribute"), fault)


def _place_of(path: str, site: RuleSite) -> str:
    """The pointer of the first place in the rule that reads the variable."""
    waiting: list[tuple[str, Any]] = [(site.at, site.rule)]
    while waiting:
        at, value = waiting.pop()
        if isinstance(value, dict) and len(value) == 1:
            ((operator, operand),) = value.items()
            if operator in ("var", "missing", "missing_some") and _names(operand, path):
                return pointer(at, operator)
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting.extend(reversed([(pointer(at, step), item) for step, item in items]))
    return site.at


def _names(operand: Any, path: str) -> bool:
    if isinstance(operand, list):
        return any(_names(item, path) for item in operand)
    return isinstance(operand, str | int | float) and str(operand) == path
