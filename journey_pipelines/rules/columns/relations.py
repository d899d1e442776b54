"""Equality and order of two vectors, as `comparison` has them for two values."""

import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from journey_pipelines.rules.columns.texts import order_keys
from journey_pipelines.rules.columns.vector import CONTAINERS, NULLISH, Kind, Mask, Objects, Vector, same_objects
from journey_pipelines.rules.comparison import greater, greater_or_equal, less, less_or_equal, loose_equals

Compare = Callable[[Any, Any], Any]

ORDERS: Final[dict[str, tuple[Compare, Callable[[Any, Any], bool]]]] = {
    "<": (operator.lt, less),
    "<=": (operator.le, less_or_equal),
    ">": (operator.gt, greater),
    ">=": (operator.ge, greater_or_equal),
}


def ordered(name: str, left: Vector, right: Vector) -> Mask:
    """`<`, `<=`, `>` or `>=` in each row: texts by UTF-16 units, everything else as numbers."""
    compare, of_values = ORDERS[name]

    def of_texts(one: Objects, other: Objects) -> Mask:
        if not ("".join(one).isascii() and "".join(other).isascii()):
            one, other = order_keys(one), order_keys(other)
        return np.asarray(compare(one, other), dtype=bool)

    return _compared(left, right, compare, of_texts, of_values)


def loosely_equal(left: Vector, right: Vector) -> Mask:
    """`==` in each row."""
    left_null, right_null = left.is_kind(*NULLISH), right.is_kind(*NULLISH)
    equal = _compared(left, right, operator.eq, _equal_texts, loose_equals)
    if left_null.any() or right_null.any():
        return np.where(left_null | right_null, left_null & right_null, equal)
    return equal


def strictly_equal(left: Vector, right: Vector) -> Mask:
    """`===` in each row: same kind and value; a list or object equals only itself."""
    equal = np.asarray(left.kinds == right.kinds)
    for kind in left.present & right.present - NULLISH:
        rows = equal & left.is_kind(kind) & right.is_kind(kind)
        if kind in (Kind.NUMBER, Kind.BOOLEAN):
            if rows.all():
                return np.asarray(left.numbers == right.numbers)
            equal &= ~rows | (left.numbers == right.numbers)
        elif kind is Kind.TEXT:
            equal[rows] = _equal_texts(left.cells[rows], right.cells[rows])
        else:
            equal[rows] = same_objects(left.cells[rows], right.cells[rows])
    return equal


def _equal_texts(one: Objects, other: Objects) -> Mask:
    return np.asarray(one == other, dtype=bool)


def _compared(
    left: Vector,
    right: Vector,
    of_numbers: Compare,
    of_texts: Callable[[Objects, Objects], Mask],
    of_values: Callable[[Any, Any], bool],
) -> Mask:
    """Texts with texts, rows with a list or an object value by value, all others as numbers."""
    has_containers = left.has(*CONTAINERS) or right.has(*CONTAINERS)
    if not has_containers and not (left.has(Kind.TEXT) and right.has(Kind.TEXT)):
        return np.asarray(of_numbers(left.numbers, right.numbers))
    both_texts = left.is_kind(Kind.TEXT) & right.is_kind(Kind.TEXT)
    if both_texts.all():
        return of_texts(left.cells, right.cells)
    is_container = left.is_kind(*CONTAINERS) | right.is_kind(*CONTAINERS)
    is_numeric = ~both_texts & ~is_container
    result = np.zeros(len(left), dtype=bool)
    result[both_texts] = of_texts(left.cells[both_texts], right.cells[both_texts])
    result[is_numeric] = of_numbers(left.take(is_numeric).numbers, right.take(is_numeric).numbers)
    if is_container.any():
        result[is_container] = _by_value(left, right, is_container, of_values)
    return result


def _by_value(left: Vector, right: Vector, rows: Mask, of_values: Callable[[Any, Any], bool]) -> Mask:
    """Row by row; null is never equal to a list or object, so the nullish rows of `==` are right as well."""
    one, other = left.take(rows), right.take(rows)
    if of_values is loose_equals and one.present <= CONTAINERS and other.present <= CONTAINERS:
        return same_objects(one.cells, other.cells)
    return np.fromiter(map(of_values, one.json_cells, other.json_cells), bool, len(one))
