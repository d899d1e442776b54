"""Everything that can be wrong with a journey document, at once, each with its JSON pointer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from journey_pipelines.errors import JourneyDocumentError, Problem, pointer
from journey_pipelines.journeys.action_checks import check_actions
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.configs import BranchesConfig, SplitConfig
from journey_pipelines.journeys.document import read_document
from journey_pipelines.journeys.draft import Draft, DraftNode, read_draft
from journey_pipelines.journeys.graph_checks import check_graph, graph_of
from journey_pipelines.journeys.models import ELSE
from journey_pipelines.journeys.rule_checks import Scopes, check_rules
from journey_pipelines.journeys.validation import suggestion
from journey_pipelines.rules import Rule


@dataclass(frozen=True)
class Inspection:
    """A document looked at from all sides: its parts, compiled rules by JSON pointer, actions by node id."""

    draft: Draft
    rules: Mapping[str, Rule]
    parameters: Mapping[str, BaseModel]
    problems: tuple[Problem, ...]


def check(document: Any, catalog: Catalog) -> list[Problem]:
    """Every problem of a document (as `read_document` takes it); an empty list where it can be published."""
    try:
        plain = read_document(document)
    except JourneyDocumentError as error:
        return list(error.problems)
    return list(inspect(plain, catalog).problems)


def inspect(document: Mapping[str, Any], catalog: Catalog) -> Inspection:
    """Look at a plain document from all sides."""
    draft = read_draft(document)
    graph = graph_of(draft)
    scopes = Scopes(draft, graph, catalog)
    rules, rule_problems = check_rules(draft, scopes)
    parameters, action_problems = check_actions(draft, scopes, catalog)
    problems = [
        *draft.problems,
        *_check_entry(draft, catalog),
        *_check_branches(draft),
        *check_graph(draft, graph),
        *rule_problems,
        *action_problems,
    ]
    return Inspection(draft, rules, parameters, tuple(dict.fromkeys(problems)))


def _check_entry(draft: Draft, catalog: Catalog) -> Iterator[Problem]:
    entry = draft.entry
    if entry and entry.segment is not None and catalog.segments is not None and entry.segment not in catalog.segments:
        known = suggestion(entry.segment, sorted(catalog.segments))
        yield Problem("/entry/segment", f"unknown segment {entry.segment!r}; {known}")
    if entry and entry.segment is None:
        if "on" in entry.model_fields_set and entry.rule is None:
            yield Problem("/entry/on", "there is no segment to be in; name an entry segment or remove `on`")
        if entry.include_existing:
            yield Problem("/entry/include_existing", "there is no segment; name an entry segment or remove the key")
        if draft.exit and draft.exit.on_leave_segment:
            message = "there is no segment to leave; name an entry segment or remove `on_leave_segment`"
            yield Problem("/exit/on_leave_segment", message)
    if draft.goal and draft.goal.event is None and draft.goal.rule is None:
        yield Problem("/goal", "expected an event, a rule or both, found neither")


def _check_branches(draft: Draft) -> Iterator[Problem]:
    for node in draft.nodes:
        at = pointer(node.at, "config", "branches")
        match node.config:
            case BranchesConfig(branches=branches):
                yield from _check_names(node, at, [branch.name for branch in branches])
            case SplitConfig(branches=arms):
                yield from _check_names(node, at, [arm.name for arm in arms])
                if sum(arm.weight for arm in arms) <= 0:
                    yield Problem(at, f"the weights of {node.id!r} add up to zero; give one arm a weight")
            case _:
                continue


def _check_names(node: DraftNode, at: str, names: list[str]) -> Iterator[Problem]:
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Problem(pointer(at, place, "name"), f"{name!r} is already a branch of {node.id!r}; rename one")
        if name == ELSE and node.type == "condition":
            yield Problem(pointer(at, place, "name"), f"{ELSE!r} is the branch of all others; choose another name")
