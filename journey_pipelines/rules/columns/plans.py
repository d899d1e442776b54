"""A rule's plan over a bound frame, made once, and its evaluation block by block."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from journey_pipelines.rules.columns.bound import BoundFrame, ElementScope, FrameScope, Missing, Scope, assemble
from journey_pipelines.rules.columns.lowering import Lowering
from journey_pipelines.rules.columns.nodes import Evaluator
from journey_pipelines.rules.columns.terms import Compared, General, Plan, Shared, Term
from journey_pipelines.rules.columns.typed import Typed
from journey_pipelines.rules.columns.vector import Mask, Objects, Rows, Vector, objects
from journey_pipelines.rules.faults import RuleEvaluationError
from journey_pipelines.rules.reads import Reads
from journey_pipelines.rules.syntax import Node

BLOCK: Final = 1 << 16  # rows whose masks and numbers stay in the processor's cache


def planned(node: Node, bound: BoundFrame, missing: Missing) -> Plan:
    """The rule's plan for this frame."""
    key = node, missing
    if key not in bound.plans:
        bound.plans[key] = _plan(node, bound, missing)
    return bound.plans[key]


def planned_together(nodes: Sequence[Node], bound: BoundFrame, missing: Missing) -> list[Term | None]:
    """Terms of several rules that share what they have in common; each is to see one block before any sees the next."""
    shared = Shared()
    return [_plan(node, bound, missing, shared).term for node in nodes]


def _plan(node: Node, bound: BoundFrame, missing: Missing, shared: Shared | None = None) -> Plan:
    scope = FrameScope(bound, missing)

    def general(part: Node) -> Term:
        return General(lambda rows: Evaluator(len(rows), is_careful=False).truth(part, scope.take(rows)))

    lowering = Lowering(Columns(bound, missing), of_distinct, general, shared=shared)
    term = lowering.condition(node)
    return Plan(None if isinstance(term, General) else term, lowering.paths)


def evaluated(term: Term, size: int) -> Mask:
    """The term's mask over so many rows, block by block."""
    if size <= BLOCK or isinstance(term, Compared):
        with np.errstate(all="ignore"):
            return term(slice(0, size))
    return evaluated_together([term], size)[0]


def evaluated_together(terms: Sequence[Term], size: int) -> list[Mask]:
    """The masks of several terms, all of a block before the next one."""
    masks = [np.empty(size, dtype=bool) for _ in terms]
    with np.errstate(all="ignore"):
        for start in range(0, size, BLOCK):
            rows = slice(start, min(start + BLOCK, size))
            for mask, term in zip(masks, terms, strict=True):
                mask[rows] = term(rows)
    return masks


def of_distinct(node: Node, path: str, distinct: Vector) -> Mask:
    """Truthiness of a node that reads one column, for each value that the column has."""
    scope: Scope = DistinctScope(path, distinct) if path else ElementScope(distinct)
    return Evaluator(len(distinct), is_careful=True).truth(node, scope)


class Columns:
    """The typed columns of a bound frame under one policy for missing cells."""

    def __init__(self, bound: BoundFrame, missing: Missing) -> None:
        self._bound = bound
        self._missing: Missing = missing

    def typed(self, path: str) -> Typed | None:
        """The column behind a dotted name."""
        return self._bound.typed(path, self._missing)


class DistinctScope:
    """The distinct values of one column, as if they were the rows of a frame."""

    def __init__(self, path: str, values: Vector) -> None:
        self.size = len(values)
        self._path = path
        self._values = values

    def read(self, path: str) -> Vector:
        """The values; nothing else is ever read."""
        assert path == self._path
        return self._values

    def whole(self) -> Vector:
        """There is none; whoever asks for it is evaluated another way."""
        raise RuleEvaluationError("the values of one column are no whole document; evaluate the rule over the frame")

    def documents(self, reads: Reads) -> Objects:  # noqa: ARG002 - there is one column only
        """One nested object for each value."""
        *outer, name = self._path.split(".")
        made = assemble([name], [self._values], self.size)
        for above in reversed(outer):
            made = objects([{above: inner} for inner in made], self.size)
        return made

    def take(self, rows: Rows) -> "DistinctScope":
        """Some of the values."""
        return DistinctScope(self._path, self._values.take(rows))
