"""Actions: their type exists, their config fits its model, what their templates read exists."""

from pydantic import BaseModel

from journey_pipelines.errors import JourneysError, Problem, pointer
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.configs import own_config
from journey_pipelines.journeys.draft import Draft, DraftNode
from journey_pipelines.journeys.rule_checks import Scopes
from journey_pipelines.journeys.validation import read_part, suggestion


def check_actions(draft: Draft, scopes: Scopes, catalog: Catalog) -> tuple[dict[str, BaseModel], list[Problem]]:
    """The parameters of every right action, by node id, and every problem."""
    parameters: dict[str, BaseModel] = {}
    problems: list[Problem] = []
    for node in draft.nodes:
        if node.type == "action" and isinstance(node.raw.get("action_type"), str):
            found, faults = _check_action(node, scopes, catalog)
            problems.extend(faults)
            if found is not None:
                parameters[node.id] = found
    return parameters, problems


def _check_action(node: DraftNode, scopes: Scopes, catalog: Catalog) -> tuple[BaseModel | None, list[Problem]]:
    at = pointer(node.at, "config")
    name = str(node.raw["action_type"])
    traits = catalog.actions.get(name)
    if traits is None:
        known = suggestion(name, sorted(catalog.actions))
        return None, [Problem(pointer(at, "action_type"), f"unknown action type {name!r}; {known}")]
    parameters, problems = read_part(traits.parameters, own_config(node.raw), at)
    if parameters is None:
        return None, problems
    try:
        faults = traits.check(parameters, scopes.at(node.id))
    except JourneysError as error:
        return None, [Problem(at, str(error))]
    return parameters, [Problem(at + fault.path, fault.message) for fault in faults]
