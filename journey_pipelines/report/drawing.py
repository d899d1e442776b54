"""A journey as an SVG picture: nodes from left to right, edges as wide as the flow over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

import networkx as nx

from journey_pipelines.journeys.journey import Journey

COLUMN: Final = 230
ROW: Final = 84
WIDTH: Final = 140
HEIGHT: Final = 44
MARGIN: Final = 20
DETOUR: Final = 32
LEAST_SCALE: Final = 0.75  # of the picture on a narrow page; below it scrolls
WIDEST: Final = 14.0
LONGEST_NAME: Final = 17  # letters that fit into a node
LONGEST_BRANCH: Final = 9  # and between two
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
    lowest = max(place.y for place in places.values()) + HEIGHT
    edges = []
    for (source, branch), target in journey.ways.items():
        detour = _detour(places, source, target, lowest)
        lowest = max(lowest, detour or 0)
        count = flow.get((source, branch or ""), 0)
        edges.append(_edge(places[source], places[target], branch or "", count, widest, detour))
    nodes = [_node(journey, name, place, standing.get(name, 0)) for name, place in places.items()]
    width = max(place.x for place in places.values()) + WIDTH + MARGIN
    height = lowest + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'style="width: 100%; min-width: {LEAST_SCALE * width:.0f}px; max-width: {width:.0f}px" '
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


def _detour(places: Mapping[str, _Place], source: str, target: str, lowest: float) -> float | None:
    """How far down a way must go that would cross nodes: one that leaves columns out, or leads back."""
    left, right = places[source].x, places[target].x
    is_next = left < right and not any(left < place.x < right for place in places.values())
    return None if is_next else lowest + DETOUR


def _edge(source: _Place, target: _Place, branch: str, count: int, widest: int, detour: float | None) -> str:
    x1, y1 = source.x + WIDTH, source.y + HEIGHT / 2
    x2, y2 = target.x - 4, target.y + HEIGHT / 2
    width = 1.5 + (WIDEST - 1.5) * count / widest if widest else 1.5
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
    if detour is None:
        bend = (x2 - x1) / 2
        way = f"C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    else:
        middle_y = detour
        way = (
            f"C{x1 + DETOUR:.0f} {y1:.0f} {x1 + DETOUR:.0f} {detour:.0f} {middle_x:.0f} {detour:.0f}"
            f"C{x2 - DETOUR:.0f} {detour:.0f} {x2 - DETOUR:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
        )
    label = f"{_short(branch, LONGEST_BRANCH)} {count:,}".strip()
    return (
        f'<path d="M{x1:.0f} {y1:.0f}{way}" fill="none" stroke="#adb5bd" stroke-opacity="0.7" '
        f'stroke-width="{width:.1f}" marker-end="url(#arrow)"/>'
        f'<text x="{middle_x:.0f}" y="{middle_y - width / 2 - 4:.0f}" class="edge">{escape(label)}'
        f"<title>{escape(branch)} {count:,}</title></text>"
    )


def _node(journey: Journey, name: str, place: _Place, standing: int) -> str:
    kind = type(journey.nodes[name]).__name__
    shown = _short(name, LONGEST_NAME)
    here = f"{standing:,} here" if standing else kind.removesuffix("Node").removesuffix("Wait").lower() or "wait"
    return (
        f'<g><title>{escape(name)}</title><rect x="{place.x:.0f}" y="{place.y:.0f}" width="{WIDTH}" height="{HEIGHT}" '
        f'rx="8" fill="{FILLS.get(kind, WAIT_FILL)}" stroke="#868e96"/>'
        f'<text x="{place.x + WIDTH / 2:.0f}" y="{place.y + 19:.0f}" class="node">{escape(shown)}</text>'
        f'<text x="{place.x + WIDTH / 2:.0f}" y="{place.y + 35:.0f}" class="kind">{escape(here)}</text></g>'
    )


def _short(name: str, longest: int) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
