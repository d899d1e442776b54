"""A rule over a bound frame: masks and values, whole rows first, and with care where a row made that fail."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd

from journey_pipelines.rules.columns.bound import BoundFrame, FrameScope, Missing
from journey_pipelines.rules.columns.nodes import Evaluator
from journey_pipelines.rules.columns.plain import are_plain
from journey_pipelines.rules.columns.plans import evaluated, evaluated_together, planned, planned_together
from journey_pipelines.rules.columns.vector import CONTAINERS, Kind, Mask, Objects, Vector, objects
from journey_pipelines.rules.faults import RuleEvaluationError
from journey_pipelines.rules.json_values import from_result
from journey_pipelines.rules.syntax import Node

Result = TypeVar("Result")


def mask(node: Node, bound: BoundFrame, missing: Missing) -> Mask:
    """Truthiness of the rule in each row."""
    term = planned(node, bound, missing).term
    if term is not None:
        try:
            return evaluated(term, bound.size)
        except RuleEvaluationError:
            pass  # a branch failed for a row that may not need it
    scope = FrameScope(bound, missing)
    return np.array(_evaluated(lambda evaluator: evaluator.truth(node, scope)), dtype=bool)


def masks(nodes: Sequence[Node], bound: BoundFrame, missing: Missing) -> list[Mask]:
    """Truthiness of several rules in each row, their common subtrees computed once."""
    terms = planned_together(nodes, bound, missing)
    covered = [term for term in terms if term is not None]
    try:
        found = iter(evaluated_together(covered, bound.size))
    except RuleEvaluationError:
        return [mask(node, bound, missing) for node in nodes]
    return [
        mask(node, bound, missing) if term is None else next(found) for node, term in zip(nodes, terms, strict=True)
    ]


def values(node: Node, bound: BoundFrame, missing: Missing) -> pd.Series:
    """The value of the rule in each row, an object Series with the frame's index."""
    scope = FrameScope(bound, missing)
    cells = _evaluated(lambda evaluator: _results(evaluator.compute(node, scope)))
    return pd.Series(cells, index=bound.index, dtype=object)


def _results(vector: Vector) -> Objects:
    """What callers get, as `from_result` has it."""
    cells = vector.json_cells.copy()
    cells[vector.is_kind(Kind.UNDEFINED)] = None
    rows = vector.is_kind(*CONTAINERS)
    # what a rule computed may hold undefined values, or one list many times over
    if rows.any() and not (vector.is_data and are_plain(cells[rows])):
        cells[rows] = objects(map(from_result, cells[rows]), int(rows.sum()))
    return cells


def _evaluated(evaluate: Callable[[Evaluator], Result]) -> Result:
    """Branches are computed over all rows, also those that do not need them. Only if that fails, over their own."""
    try:
        try:
            return evaluate(Evaluator(is_careful=False))
        except RuleEvaluationError:
            return evaluate(Evaluator(is_careful=True))
    except RecursionError as error:
        raise RuleEvaluationError("a cell of the frame is nested too deep for rules; flatten it") from error
