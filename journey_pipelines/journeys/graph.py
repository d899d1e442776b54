"""The journey as a directed graph: which nodes lie on a cycle, which come before which."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import networkx as nx

Graph = Any  # networkx.DiGraph; its stubs want a type argument that it does not take at run time


def build_graph(node_ids: Iterable[str], ways: Iterable[tuple[str, str]]) -> Graph:
    """A graph of the nodes and of the ways between known nodes."""
    graph: Graph = nx.DiGraph()
    graph.add_nodes_from(node_ids)
    graph.add_edges_from((source, target) for source, target in ways if source in graph and target in graph)
    return graph


def cyclic_nodes(graph: Graph) -> frozenset[str]:
    """All nodes that lie on some cycle."""
    return frozenset(node for cycle in cycles(graph) for node in cycle)


def cycles(graph: Graph) -> list[list[str]]:
    """Groups of nodes that can all reach one another (or themselves), each in the graph's order."""
    place = {node: number for number, node in enumerate(graph)}
    groups = [sorted(group, key=place.__getitem__) for group in nx.strongly_connected_components(graph)]
    looping = [group for group in groups if len(group) > 1 or graph.has_edge(group[0], group[0])]
    return sorted(looping, key=lambda group: place[group[0]])


def one_cycle(graph: Graph, nodes: Sequence[str]) -> list[str]:
    """One cycle through the first of these nodes of one group, which is named again at the end."""
    first = nodes[0]
    inside = graph.subgraph(nodes)
    back = min((nx.shortest_path(inside, after, first) for after in inside.successors(first)), key=len)
    return [first, *back]


def ranks(graph: Graph) -> Mapping[str, int]:
    """A number for each node: lower where it comes before, as far as cycles let it; ties in the graph's order."""
    place = {node: number for number, node in enumerate(graph)}
    groups = nx.condensation(graph)
    members = {group: sorted(nodes, key=place.__getitem__) for group, nodes in groups.nodes(data="members")}
    ordered = nx.lexicographical_topological_sort(groups, key=lambda group: place[members[group][0]])
    return {node: rank for rank, node in enumerate(node for group in ordered for node in members[group])}


def reachable(graph: Graph, node_id: str) -> frozenset[str]:
    """All nodes that an execution which leaves the node can come to; the node itself only over a cycle."""
    found: set[str] = set()
    for after in graph.successors(node_id):
        if after not in found:
            found |= {after} | nx.descendants(graph, after)
    return frozenset(found)


def leading_to(graph: Graph, node_ids: Iterable[str]) -> frozenset[str]:
    """All nodes from which one of these can be reached, and these."""
    found = set(node_ids)
    waiting = list(found)
    while waiting:
        for before in graph.predecessors(waiting.pop()):
            if before not in found:
                found.add(before)
                waiting.append(before)
    return frozenset(found)
