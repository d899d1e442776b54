"""Small documents and an action type of the tests' own."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict

from journey_pipelines.errors import Problem
from journey_pipelines.journeys.catalog import Catalog, Provided, UnknownPolicy


class NoteParameters(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str
    copies: int = 1


class Note:
    """An action that renders one text; what stands in braces is a variable."""

    name = "note"
    parameters = NoteParameters
    is_message = True
    policy = UnknownPolicy.AT_MOST_ONCE

    def check(self, parameters: BaseModel, provided: Provided) -> list[Problem]:
        assert isinstance(parameters, NoteParameters)
        names = re.findall(r"\{\{(.+?)\}\}", parameters.text)
        return [Problem("/text", f"nothing provides {name}") for name in names if not provided.has(name)]


FEATURES = ("baskets_30d", "sessions_1d", "renewal_at", "is_closed")


def catalog(features: Any = FEATURES, segments: Any = ("new_customers", "at_risk")) -> Catalog:
    return Catalog(actions={"note": Note()}, features=features, segments=segments)


def note(node_id: str, text: str = "Hi", **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": "action", "config": {"action_type": "note", "text": text, **config}}


def wait(node_id: str = "pause", **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": "wait", "config": config or {"duration": "P1D"}}


def condition(node_id: str, **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": "condition", "config": config}


def edge(source: str, target: str, branch: Any = None) -> dict[str, Any]:
    return {"source": source, "target": target} | ({} if branch is None else {"branch": branch})


def journey(*nodes: Mapping[str, Any], edges: list[Any] | None = None, **keys: Any) -> dict[str, Any]:
    """A document with start and end around these nodes, in a row unless edges are given."""
    row = [{"id": "start", "type": "start"}, *nodes, {"id": "done", "type": "end"}]
    ways = [edge(str(a["id"]), str(b["id"])) for a, b in pairwise(row)]
    return {"key": "test", "name": "Test", "nodes": row, "edges": ways if edges is None else edges, **keys}


def forked(node: Mapping[str, Any], *branches: Any, **keys: Any) -> dict[str, Any]:
    """A document with one node whose branches all lead to the end."""
    name = str(node["id"])
    return journey(node, edges=[edge("start", name), *[edge(name, "done", branch) for branch in branches]], **keys)
