"""What can be wrong with nodes and edges together: names, ways out, reachability, cycles."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from journey_pipelines.errors import Problem, pointer
from journey_pipelines.journeys.configs import BranchesConfig, RuleConfig, SplitConfig
from journey_pipelines.journeys.draft import Draft, DraftEdge, DraftNode
from journey_pipelines.journeys.graph import Graph, build_graph, cycles, leading_to, one_cycle, reachable
from journey_pipelines.journeys.models import ELSE, FAILED
from journey_pipelines.journeys.validation import suggestion

_MOST_LISTED: Final = 20


def graph_of(draft: Draft) -> Graph:
    """The graph of what could be read."""
    return build_graph(
        (node.id for node in draft.nodes), ((item.edge.source, item.edge.target) for item in draft.edges)
    )


def check_graph(draft: Draft, graph: Graph) -> Iterator[Problem]:
    """Every problem of the graph. What is missing is only reported where all nodes and edges could be read."""
    by_id = {node.id: node for node in draft.nodes}
    yield from _check_ids(draft)
    yield from _check_edges(draft, by_id)
    yield from _check_cycles(draft, graph)
    if draft.has_all_nodes:
        yield from _check_ends(draft)
    if draft.is_whole:
        yield from _check_ways_out(draft)
        yield from _check_paths(draft, graph)


def ways_out(node: DraftNode) -> tuple[tuple[str | None, ...], tuple[str | None, ...]] | None:
    """The branches that need an edge and those that may have one; None is the only or main way. None: not known."""
    match node.type, node.config:
        case "end", _:
            return (), ()
        case "action", _:
            return (None,), (FAILED,)
        case "condition", RuleConfig():
            return ("true", "false"), ()
        case "condition", BranchesConfig(branches=named):
            return (*dict.fromkeys(branch.name for branch in named), ELSE), ()
        case "split", SplitConfig(branches=arms):
            return tuple(dict.fromkeys(arm.name for arm in arms)), ()
        case "condition" | "split", _:
            return None
        case "wait", None:
            return (("event", "timeout"), ()) if "event" in node.raw else None
        case "wait", _:
            return (("event", "timeout"), ()) if "event" in node.raw else ((None,), ())
        case _:
            return (None,), ()


def taken_branch(item: DraftEdge, source: DraftNode) -> str | None:
    """The branch that the edge takes: where the node has one way out, it may be left out."""
    ways = ways_out(source)
    if item.edge.branch is None and ways is not None and len(ways[0]) == 1:
        return ways[0][0]
    return item.edge.branch


def _check_ids(draft: Draft) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for node in draft.nodes:
        if node.id in first:
            yield Problem(pointer(node.at, "id"), f"{node.id!r} is also the id of {first[node.id]}; ids are unique")
        first.setdefault(node.id, node.at)
    named: dict[str, str] = {}
    for item in draft.edges:
        if item.edge.id is None:
            continue
        if item.edge.id in named:
            message = f"{item.edge.id!r} is also the id of {named[item.edge.id]}; ids are unique"
            yield Problem(pointer(item.at, "id"), message)
        named.setdefault(item.edge.id, item.at)


def _check_edges(draft: Draft, by_id: dict[str, DraftNode]) -> Iterator[Problem]:
    known = sorted(by_id)
    taken: dict[tuple[str, str | None], str] = {}
    for item in draft.edges:
        for end, name in (("source", item.edge.source), ("target", item.edge.target)):
            if name not in by_id and draft.has_all_nodes:
                yield Problem(pointer(item.at, end), f"unknown node {name!r}; {suggestion(name, known)}")
        target = by_id.get(item.edge.target)
        if target and target.type == "start":
            yield Problem(pointer(item.at, "target"), f"leads into the start node {target.id!r}; lead it elsewhere")
        source = by_id.get(item.edge.source)
        if source:
            yield from _check_branch(item, source, taken)


def _check_branch(item: DraftEdge, source: DraftNode, taken: dict[tuple[str, str | None], str]) -> Iterator[Problem]:
    ways = ways_out(source)
    if source.type == "end":
        yield Problem(pointer(item.at, "source"), f"leaves the end node {source.id!r}; remove the edge")
        return
    branch = taken_branch(item, source)
    if ways is not None and branch not in (*ways[0], *ways[1]):
        names = _listed([name for name in (*ways[0], *ways[1]) if name is not None])
        if branch is None:
            yield Problem(item.at, f"an edge from {source.id!r} needs a branch: {names}")
        else:
            other = f"; expected {names}" if names else ", which has one way out; remove the branch"
            yield Problem(pointer(item.at, "branch"), f"unknown branch {branch!r} of {source.id!r}{other}")
        return
    way = (source.id, branch)
    if way in taken:
        shown = f"branch {branch!r} of {source.id!r}" if branch else f"the way out of {source.id!r}"
        yield Problem(item.at, f"{shown} already has the edge {taken[way]}; keep one")
    taken.setdefault(way, item.at)


def _check_ways_out(draft: Draft) -> Iterator[Problem]:
    by_id = {node.id: node for node in draft.nodes}
    present = {
        (item.edge.source, taken_branch(item, by_id[item.edge.source]))
        for item in draft.edges
        if item.edge.source in by_id
    }
    leaving = Counter(item.edge.source for item in draft.edges)
    for node in draft.nodes:
        ways = ways_out(node)
        needed = ways[0] if ways else ()
        if needed and not leaving[node.id]:
            names = f" for each of {_listed(needed)}" if len(needed) > 1 else ""
            yield Problem(node.at, f"node {node.id!r} has no way out; add an edge{names}")
            continue
        for branch in needed:
            if (node.id, branch) not in present:
                way = f"branch {branch!r}" if branch else "main way out"
                yield Problem(node.at, f"the {way} of node {node.id!r} has no edge; add one")


def _check_ends(draft: Draft) -> Iterator[Problem]:
    starts = [node for node in draft.nodes if node.type == "start"]
    if not starts:
        yield Problem("/nodes", "there is no start node; add one of type start")
    for extra in starts[1:]:
        yield Problem(pointer(extra.at, "type"), f"there is a start node already, {starts[0].id!r}; keep one")
    if not any(node.type == "end" for node in draft.nodes):
        yield Problem("/nodes", "there is no end node; add one of type end")


def _check_paths(draft: Draft, graph: Graph) -> Iterator[Problem]:
    starts = [node.id for node in draft.nodes if node.type == "start"]
    ends = [node.id for node in draft.nodes if node.type == "end"]
    if not starts:
        return
    reached = {starts[0], *reachable(graph, starts[0])}
    leaves_early = draft.goal or (draft.exit and (draft.exit.rule is not None or draft.exit.on_leave_segment))
    finishing = leading_to(graph, ends)
    for node in draft.nodes:
        if node.id not in reached and node.type != "start":
            yield Problem(node.at, f"node {node.id!r} cannot be reached from {starts[0]!r}; add an edge or remove it")
        elif ends and node.id not in finishing and not leaves_early and graph.out_degree(node.id):
            yield Problem(node.at, f"no path leads from node {node.id!r} to an end; add one, or an exit rule or goal")


def _check_cycles(draft: Draft, graph: Graph) -> Iterator[Problem]:
    at = {node.id: node.at for node in draft.nodes}
    unwaiting = graph.subgraph([node.id for node in draft.nodes if node.type != "wait"])
    for group in cycles(unwaiting):
        shown = _listed(one_cycle(unwaiting, group), " -> ")
        yield Problem(at[group[0]], f"a cycle without a wait: {shown}; put a wait into it")


def _listed(names: Sequence[str | None], between: str = ", ") -> str:
    shown = [str(name) for name in names]
    return between.join(shown if len(shown) <= _MOST_LISTED else [*shown[:_MOST_LISTED], "…"])
