"""Equality and order of ECMAScript on JSON values."""

from collections.abc import Callable
from typing import Any, Final

from journey_pipelines.rules.coercion import UNDEFINED, Value, to_number, to_primitive, to_units

CONTAINERS: Final = (list, dict)


def is_nullish(value: Value) -> bool:
    """Whether the value is null or undefined."""
    return value is None or value is UNDEFINED


def strict_equals(left: Value, right: Value) -> bool:
    """`===`: same type and value; lists and objects are equal to themselves only."""
    kind = type(left)
    if kind in CONTAINERS or type(right) in CONTAINERS or is_nullish(left) or is_nullish(right):
        return left is right
    if kind is type(right):
        return bool(left == right)
    # an int and a float are one type there
    is_number = kind is not bool and kind is not str and type(right) is not bool and type(right) is not str
    return is_number and bool(left == right)


def loose_equals(left: Value, right: Value) -> bool:
    """`==` (IsLooselyEqual, ECMA-262 7.2.14)."""
    if is_nullish(left) or is_nullish(right):
        return is_nullish(left) and is_nullish(right)
    if type(left) in CONTAINERS and type(right) in CONTAINERS:
        return left is right
    left, right = to_primitive(left), to_primitive(right)
    if type(left) is str and type(right) is str:
        return bool(left == right)
    return to_number(left) == to_number(right)


def less(left: Value, right: Value) -> bool:
    """`<`: texts by UTF-16 units, everything else as numbers."""
    return _compare(left, right, float.__lt__, str.__lt__)


def less_or_equal(left: Value, right: Value) -> bool:
    """`<=`."""
    return _compare(left, right, float.__le__, str.__le__)


def greater(left: Value, right: Value) -> bool:
    """`>`."""
    return _compare(left, right, float.__gt__, str.__gt__)


def greater_or_equal(left: Value, right: Value) -> bool:
    """`>=`."""
    return _compare(left, right, float.__ge__, str.__ge__)


def _compare(left: Value, right: Value, numbers: Callable[[Any, Any], Any], texts: Callable[[Any, Any], Any]) -> bool:
    left, right = to_primitive(left), to_primitive(right)
    if type(left) is str and type(right) is str:
        return bool(texts(to_units(left), to_units(right)))
    return bool(numbers(to_number(left), to_number(right)))
