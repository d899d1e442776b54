"""The visible table of operators: those that only see their values, by name.

Each takes its evaluated arguments, UNDEFINED where the rule gives fewer. Those that see the document (`var`,
`missing`, `missing_some`) or decide what is evaluated (`if`, `and`, `map` ...) are in `scalar`. A new operator is one
function and one line here; the column evaluator finds it through the same table.
"""

import math
import operator
from collections.abc import Callable
from itertools import repeat
from typing import Final

from journey_pipelines.rules.access import slice_text
from journey_pipelines.rules.coercion import (
    UNDEFINED,
    Value,
    join,
    parse_float,
    to_integer,
    to_number,
    to_primitive,
    to_text,
    to_units,
    truthy,
)
from journey_pipelines.rules.comparison import (
    greater,
    greater_or_equal,
    less,
    less_or_equal,
    loose_equals,
    strict_equals,
)
from journey_pipelines.rules.faults import RuleEvaluationError, check_items, weight

Operator = Callable[..., Value]


def _less(first: Value = UNDEFINED, second: Value = UNDEFINED, third: Value = UNDEFINED, *_: Value) -> bool:
    return less(first, second) and (third is UNDEFINED or less(second, third))


def _less_or_equal(first: Value = UNDEFINED, second: Value = UNDEFINED, third: Value = UNDEFINED, *_: Value) -> bool:
    return less_or_equal(first, second) and (third is UNDEFINED or less_or_equal(second, third))


def _of_two(function: Callable[[Value, Value], Value]) -> Operator:
    """An operator that looks at two arguments and ignores the rest."""

    def operate(first: Value = UNDEFINED, second: Value = UNDEFINED, *_: Value) -> Value:
        return function(first, second)

    return operate


def _not_equal(function: Callable[[Value, Value], bool]) -> Operator:
    return _of_two(lambda first, second: not function(first, second))


def add(*values: Value) -> float:
    """Sum of what parseFloat reads in each value."""
    total = 0.0
    for value in values:
        total += parse_float(value)
    return total


def multiply(*values: Value) -> Value:
    """Product of what parseFloat reads in each value; one value alone is returned as it is."""
    if not values:
        raise RuleEvaluationError("`*` has no arguments; give it at least one")
    product = values[0]
    for value in values[1:]:
        product = parse_float(product) * parse_float(value)
    return product


def subtract(first: Value, second: Value) -> float:
    """Difference, or the negative of a single value."""
    return -to_number(first) if second is UNDEFINED else to_number(first) - to_number(second)


def divide(first: Value, second: Value) -> float:
    """Quotient of doubles; by zero it is infinite or NaN."""
    dividend, divisor = to_number(first), to_number(second)
    if divisor:
        return dividend / divisor
    if math.isnan(divisor) or math.isnan(dividend) or not dividend:
        return math.nan
    return math.copysign(math.inf, dividend) * math.copysign(1.0, divisor)


def remainder(first: Value, second: Value) -> float:
    """Remainder with the dividend's sign; by zero it is NaN."""
    dividend, divisor = to_number(first), to_number(second)
    if math.isinf(dividend) or not divisor:
        return math.nan
    return math.fmod(dividend, divisor)


def largest(*values: Value) -> float:
    """Math.max: NaN if any value is, minus infinity of nothing."""
    return _extreme([to_number(value) for value in values], largest=True)


def smallest(*values: Value) -> float:
    """Math.min: NaN if any value is, infinity of nothing."""
    return _extreme([to_number(value) for value in values], largest=False)


def _extreme(numbers: list[float], *, largest: bool) -> float:
    if any(map(math.isnan, numbers)):
        return math.nan
    # zero is greater than minus zero
    ordered = sorted(numbers, key=lambda number: (number, math.copysign(1.0, number)))
    if not ordered:
        return -math.inf if largest else math.inf
    return ordered[-1] if largest else ordered[0]


def contains(needle: Value, haystack: Value) -> bool:
    """`in`: a part of a text, or strictly equal to an element of a list."""
    if type(haystack) is str:
        return bool(haystack) and to_units(to_text(needle)) in to_units(haystack)
    if type(haystack) is list:
        return _is_element(needle, haystack)
    if type(haystack) is dict and "indexOf" in haystack:
        raise RuleEvaluationError("`in` found an object with a key `indexOf`; rename that key in the data")
    return False


def _is_element(needle: Value, elements: list[Value]) -> bool:
    if type(needle) in (list, dict) or needle is None or needle is UNDEFINED:
        return any(map(operator.is_, elements, repeat(needle)))
    # Python's `in` takes True for 1 and NaN for itself, but misses nothing
    return needle in elements and any(map(strict_equals, repeat(needle), elements))


def substring(source: Value = UNDEFINED, start: Value = UNDEFINED, length: Value = UNDEFINED, *_: Value) -> str:
    """Part of a text, in UTF-16 units; a negative length leaves off the end."""
    text = to_text(source)
    rest = slice_text(text, to_integer(start), math.inf)
    if length is UNDEFINED:
        return rest
    if less(length, 0):
        ending = to_primitive(length)
        size = len(to_units(rest))
        # the reference adds a length that is text as text: "5" and "-1" make "5-1", which is no number
        kept = to_integer(f"{size}{ending}") if type(ending) is str else to_integer(size + to_number(ending))
        return slice_text(rest, 0.0, kept)
    return slice_text(text, to_integer(start), to_integer(length))


def merge(*values: Value) -> list[Value]:
    """One list of all values, lists among them opened once."""
    merged: list[Value] = []
    for value in values:
        if type(value) is list:
            merged.extend(value)
        else:
            merged.append(value)
        check_items(len(merged))
    return merged


def first_value(value: Value = UNDEFINED, *_: Value) -> Value:
    """`log` without the printing: its first argument."""
    return value


def is_truthy(value: Value = UNDEFINED, *_: Value) -> bool:
    """`!!`."""
    return truthy(value)


def is_falsy(value: Value = UNDEFINED, *_: Value) -> bool:
    """`!`."""
    return not truthy(value)


EAGER: Final[dict[str, Operator]] = {
    "==": _of_two(loose_equals),
    "===": _of_two(strict_equals),
    "!=": _not_equal(loose_equals),
    "!==": _not_equal(strict_equals),
    ">": _of_two(greater),
    ">=": _of_two(greater_or_equal),
    "<": _less,
    "<=": _less_or_equal,
    "!!": is_truthy,
    "!": is_falsy,
    "+": add,
    "*": multiply,
    "-": _of_two(subtract),
    "/": _of_two(divide),
    "%": _of_two(remainder),
    "max": largest,
    "min": smallest,
    "in": _of_two(contains),
    "cat": lambda *values: join(values, ""),
    "substr": substring,
    "merge": merge,
    "log": first_value,
}


def _nothing(*_: Value) -> int:
    return 0


def _weights(*values: Value) -> int:
    return sum(map(weight, values))


def _texts(*values: Value) -> int:
    return sum(weight(value) for value in values if type(value) is str)


def _lengths(*values: Value) -> int:
    return sum(len(value) for value in values if type(value) is list)


def _search(needle: Value = UNDEFINED, haystack: Value = UNDEFINED, *_: Value) -> int:
    if type(haystack) is not list:
        return _weights(needle, haystack) if type(haystack) is str else 0
    # C compares numbers and short texts; a long text may be compared with as long ones
    return len(haystack) * (1 + len(needle) // 256 if type(needle) is str else 1) // 8


# how much of its texts, lists and objects an operator looks at or copies; where it has no line, all they hold
COSTS: Final[dict[str, Callable[..., int]]] = {
    **dict.fromkeys(("!", "!!", "log"), _nothing),
    **dict.fromkeys(("===", "!=="), _texts),
    "in": _search,
    "merge": _lengths,
}
WHOLE_COST: Final = _weights

READING: Final = frozenset({"var", "missing", "missing_some"})
BRANCHING: Final = frozenset({"if", "?:", "and", "or"})
SCOPED: Final = frozenset({"map", "filter", "reduce", "all", "none", "some"})  # their second argument sees an element
OPERATORS: Final = frozenset(EAGER) | READING | BRANCHING | SCOPED
