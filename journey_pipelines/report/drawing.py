"""A journey as an SVG picture: nodes from left to right, edges as wide as the flow over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

import networkx as nx

from journey_pipelines.journeys.journey import Journey

COLUMN: Final = 250
ROW: Final = 84
WIDTH: Final = 140
HEIGHT: Final = 44
MARGIN: Final = 20
WIDEST: Final = 14.0
LONGEST_NAME: Final = 17  # letters that fit into a node, and between two
FILLS: Final = {
    "StartNode": "#d3f9d8",
    "EndNode": "#e9ecef",
    "ActionNode": "#d0ebff",
    "ConditionNode": "#fff3bf",
    "SplitNode": "#ffe8cc",
}
WAIT_FILL: Final = "#f3d9fa"

Flow = Mapping[tuple[str, str], int]
"""How many took each way, by node and branch ("" where there is one)."""


@dataclass(frozen=True)
class _Place:
    x: float
    y: float


def drawing(journey: Journey, flow: Flow, standing: Mapping[str, int]) -> str:
    """The picture; `standing`: how many stand at each node now."""
    places = _places(journey)
    widest = max(flow.values(), default=0)
    edges = [
        _edge(places[source], places[target], branch or "", flow.get((source, branch or ""), 0), widest)
        for (source, branch), target in journey.ways.items()
    ]
    nodes = [_node(journey, name, place, standing.get(name, 0)) for name, place in places.items()]
    width = max(place.x for place in places.values()) + WIDTH + MARGIN
    goes_back = any(places[source].x >= places[target].x for (source, _), target in journey.ways.items())
    height = max(place.y for place in places.values()) + HEIGHT + MARGIN + (ROW if goes_back else 0)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'role="img" aria-label="Flow of the journey {escape(journey.name)}">'
    )
    arrow = (
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#868e96"/></marker></defs>'
    )
    return "".join([head, arrow, *edges, *nodes, "</svg>"])


def _places(journey: Journey) -> dict[str, _Place]:
    """Each node in the column of its longest way from the start, cycles left out."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(journey.nodes)
    forward = ((a, b) for (a, _), b in journey.ways.items() if journey.order[a] < journey.order[b])
    graph.add_edges_from(forward)
    columns: dict[str, int] = {}
    for name in nx.lexicographical_topological_sort(graph, key=lambda name: journey.order[name]):
        columns[name] = max((columns[before] + 1 for before in graph.predecessors(name)), default=0)
    rows: dict[int, int] = {}
    places = {}
    for name in sorted(columns, key=lambda name: journey.order[name]):
        column = columns[name]
        row = rows.get(column, 0)
        rows[column] = row + 1
        places[name] = _Place(MARGIN + column * COLUMN, MARGIN + row * ROW + (column % 2) * 12)
    return places


def _edge(source: _Place, target: _Place, branch: str, count: int, widest: int) -> str:
    x1, y1 = source.x + WIDTH, source.y + HEIGHT / 2
    x2, y2 = target.x - 4, target.y + HEIGHT / 2
    bend = max((x2 - x1) / 2, 30)
    dip = 0 if x2 > x1 else ROW
    width = 1.5 + (WIDEST - 1.5) * count / widest if widest else 1.5
    label = f"{_short(branch)} {count:,}".strip()
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2 + 0.75 * dip - width / 2 - 4
    return (
        f'<path d="M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1 + dip:.0f} {x2 - bend:.0f} {y2 + dip:.0f} {x2:.0f} {y2:.0f}" '
        f'fill="none" stroke="#adb5bd" stroke-opacity="0.7" stroke-width="{width:.1f}" marker-end="url(#arrow)"/>'
        f'<text x="{middle_x:.0f}" y="{middle_y:.0f}" class="edge">{escape(label)}'
        f"<title>{escape(branch)} {count:,}</title></text>"
    )


def _node(journey: Journey, name: str, place: _Place, standing: int) -> str:
    kind = type(journey.nodes[name]).__name__
    here = f"{standing:,} here" if standing else kind.removesuffix("Node").removesuffix("Wait").lower() or "wait"
    return (
        f'<g><title>{escape(name)}</title><rect x="{place.x:.0f}" y="{place.y:.0f}" width="{WIDTH}" height="{HEIGHT}" '
        f'rx="8" fill="{FILLS.get(kind, WAIT_FILL)}" stroke="#868e96"/>'
        f'<text x="{place.x + WIDTH / 2:.0f}" y="{place.y + 19:.0f}" class="node">{escape(_short(name))}</text>'
        f'<text x="{place.x + WIDTH / 2:.0f}" y="{place.y + 35:.0f}" class="kind">{escape(here)}</text></g>'
    )


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
