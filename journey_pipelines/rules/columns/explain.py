"""What becomes of each node of a rule over one frame, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from journey_pipelines.errors import pointer
from journey_pipelines.rules.columns.bound import BoundFrame, Missing
from journey_pipelines.rules.columns.nodes import COLUMNAR, is_columnar, is_over_data
from journey_pipelines.rules.columns.plans import planned
from journey_pipelines.rules.syntax import NOT_CONSTANT, Array, Node, Operation, children, constant

GENERAL: Final = "general"
VECTORS: Final = "vectors of JSON values"
EACH_ROW: Final = "once for each row"


@dataclass(frozen=True)
class Step:
    """A node by its JSON pointer (arguments as a list), its operator, empty for data, and how it is evaluated.

    `columns`: array code over typed columns, block by block; `once for each distinct value` of the one column that the
    subtree reads; `vectors of JSON values`: array code that knows every kind of value; `once for each row`: by the
    scalar evaluator or the operator's function; `constant`: not at all.
    """

    pointer: str
    operator: str
    how: str


def explain(node: Node, bound: BoundFrame, missing: Missing) -> list[Step]:
    """All nodes, from the root down."""
    plan = planned(node, bound, missing)
    return list(_steps(node, "", GENERAL if plan.term is None else "columns", plan.paths))


def _steps(node: Node, at: str, above: str, paths: dict[Node, str]) -> Iterator[Step]:
    is_general = above in (GENERAL, VECTORS, EACH_ROW)
    how = above if is_general else paths.get(node) or above
    if how == GENERAL or is_general:
        how = _general(node, above)
    if constant(node) is not NOT_CONSTANT:
        how = "constant"
    name = node.operator if isinstance(node, Operation) else ""
    yield Step(at, name, how)
    for place, child in enumerate(children(node)):
        yield from _steps(child, pointer(at, name, place) if name else pointer(at, place), how, paths)


def _general(node: Node, above: str) -> str:
    """How the general evaluator takes a node: what it leaves to the scalar one is left whole."""
    if above == EACH_ROW or isinstance(node, Array):
        return EACH_ROW
    is_covered = isinstance(node, Operation) and (
        node.operator in COLUMNAR
        or is_columnar(node)
        or (node.operator in ("some", "all", "none") and is_over_data(node))
    )
    return VECTORS if is_covered else EACH_ROW
