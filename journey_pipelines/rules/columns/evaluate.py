"""A rule over a bound frame: masks and values, whole rows first, and with care where a row made that fail."""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from journey_pipelines.rules.coercion import Value, truthy
from journey_pipelines.rules.columns.bound import BoundFrame, FrameScope, Missing
from journey_pipelines.rules.columns.lists import lengths
from journey_pipelines.rules.columns.nodes import Evaluator, row_by_row
from journey_pipelines.rules.columns.plain import are_flat, are_plain
from journey_pipelines.rules.columns.plans import evaluated, evaluated_together, planned, planned_together
from journey_pipelines.rules.columns.vector import CONTAINERS, Kind, Mask, Objects, Vector, objects
from journey_pipelines.rules.faults import (
    MAX_ITEMS,
    MAX_KEPT,
    MAX_WORK,
    Pool,
    RuleEvaluationError,
    TooMuchError,
    weight,
)
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
    return _evaluated(
        bound.size,
        lambda evaluator: np.array(evaluator.truth(node, scope), dtype=bool),
        lambda work: np.fromiter(map(truthy, row_by_row(node, scope, work)), bool, bound.size),
    )


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
    cells = _evaluated(
        bound.size,
        lambda evaluator: _results(evaluator.compute(node, scope)),
        lambda work: objects(_copies(row_by_row(node, scope, work)), bound.size),
    )
    return pd.Series(cells, index=bound.index, dtype=object)


def _results(vector: Vector) -> Objects:
    """What callers get, as `from_result` has it: nobody who changes a result changes anything else."""
    cells = vector.json_cells.copy()
    cells[vector.is_kind(Kind.UNDEFINED)] = None
    rows = vector.is_kind(*CONTAINERS)
    if rows.any():
        cells[rows] = _own(cells[rows], is_plain=vector.is_data and are_plain(cells[rows]))
    return cells


def _own(cells: Objects, *, is_plain: bool) -> Objects:
    """A copy of each list and object. Flat ones of the data are copied by C, without a call of ours for each."""
    sizes = lengths(cells)
    if not (is_plain and are_flat(cells) and sizes.max() < MAX_ITEMS):
        return objects(_copies(cells), len(cells))
    Pool(MAX_KEPT).spend(int(sizes.sum()))
    made = cells.copy()
    is_list = np.fromiter(map(operator.is_, map(type, cells), repeat(list)), bool, len(cells))
    for rows, kind in ((is_list, list), (~is_list, dict)):
        made[rows] = objects(map(kind, cells[rows]), int(rows.sum()))
    return made


def _copies(values: Iterable[Value]) -> Iterator[Any]:
    kept = Pool(MAX_KEPT)
    for value in values:
        kept.spend(weight(value))
        yield from_result(value)


def _evaluated(
    rows: int, evaluate: Callable[[Evaluator], Result], evaluate_one_by_one: Callable[[Pool], Result]
) -> Result:
    """Branches are computed over all rows, also those that do not need them. Only if that fails, over their own.

    Where the rows together are too much, each is evaluated by itself, and nothing but its result is kept.
    """
    try:
        return _with_care(rows, evaluate)
    except TooMuchError:
        return evaluate_one_by_one(Pool(MAX_WORK * max(rows, 1)))


def _with_care(rows: int, evaluate: Callable[[Evaluator], Result]) -> Result:
    try:
        return evaluate(Evaluator(rows, is_careful=False))
    except TooMuchError:
        raise
    except RuleEvaluationError:
        return evaluate(Evaluator(rows, is_careful=True))
