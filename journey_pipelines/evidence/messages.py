"""Why somebody did not get a message: skipped with a reason, another branch, ended before, or not yet."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from journey_pipelines.engine.passed import mark_of
from journey_pipelines.engine.states import ENDED
from journey_pipelines.evidence.archive import Row
from journey_pipelines.evidence.findings import Finding, Verdict
from journey_pipelines.evidence.passages import Passage
from journey_pipelines.journeys.graph import Graph, build_graph, reachable
from journey_pipelines.journeys.nodes import ActionNode


def message_findings(passage: Passage) -> Iterator[Finding]:
    """One finding for each action of the version that the execution never came to."""
    journey = passage.journey
    graph = build_graph(journey.nodes, ((source, target) for (source, _), target in journey.ways.items()))
    requested = {row["node_id"] for row in passage.dispatches}
    passed = {node_id for node_id in journey.nodes if mark_of(node_id) in passage.execution["visits"]}
    came_to = requested | passed | {passage.execution["current_node_id"]}
    for node in journey.nodes.values():
        if isinstance(node, ActionNode) and node.id not in came_to:
            yield _missed(passage, node, graph)


def _missed(passage: Passage, node: ActionNode, graph: Graph) -> Finding:
    """Where the way to the action was lost, or that it is still open."""
    here = passage.execution["current_node_id"]
    if here is not None and node.id in reachable(graph, here):
        if passage.execution["state"] not in ENDED:
            return _message(node, f"it may still come, they are at {here}")
        return replace(_message(node, f"they ended at {here}, before it"), at=passage.execution["ended_at"])
    left = _fork(passage.transitions, node.id, graph)
    if left is None:
        return _message(node, f"no way leads from {here} to it")
    way = f"the branch {left['branch']!r}" if _text(left["branch"]) else "the way on"
    return replace(
        _message(node, f"at {left['node_id']} they took {way}"),
        visit=int(left["visit"]),
        branch=_text(left["branch"]),
        at=left["at"],
        run_id=_text(left["run_id"]),
        snapshot_id=_text(left["snapshot_id"]),
    )


def _message(node: ActionNode, remark: str) -> Finding:
    return Finding("message", Verdict.CONFIRMED, node_id=node.id, remark=remark)


def _fork(transitions: Sequence[Row], node_id: str, graph: Graph) -> Row | None:
    """The last transition from whose node the action could be reached: the way that was taken there led elsewhere."""
    could = [left for left in transitions if left["node_id"] in graph and node_id in reachable(graph, left["node_id"])]
    return could[-1] if could else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
