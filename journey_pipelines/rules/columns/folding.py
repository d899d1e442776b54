"""A column compared with a constant: null is folded into the comparison, which stays one pass over the column."""

from typing import Any, Final

import numpy as np

from journey_pipelines.rules.coercion import UNDEFINED, Value, to_number
from journey_pipelines.rules.columns.terms import Always, Compared, Patched, Term
from journey_pipelines.rules.columns.typed import Moments, Numeric
from journey_pipelines.rules.operators import EAGER

RELATIONS: Final[dict[str, Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "===": np.equal,
    "!=": np.not_equal,
    "!==": np.not_equal,
}
MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
EXACT: Final = 2**53
NEGATED: Final[dict[Any, Any]] = {
    np.less: np.greater_equal,
    np.less_equal: np.greater,
    np.greater: np.less_equal,
    np.greater_equal: np.less,
}


def compared(name: str, column: Numeric, missing: Value, value: Value) -> Term | None:
    """A column of numbers compared with a constant that is no list or object."""
    if isinstance(value, list | dict) or isinstance(missing, list | dict) or value is UNDEFINED:
        return None
    of_missing = bool(EAGER[name](missing, value))
    is_strict = name in ("===", "!==")
    is_alike = type(value) is bool if column.is_boolean else type(value) in (int, float)
    # null equals no number, and a number of another type is not strictly equal
    can_equal = is_alike if is_strict else value is not None
    if RELATIONS[name] in (np.equal, np.not_equal) and not can_equal:
        term: Term = Always(holds=RELATIONS[name] is np.not_equal)
        return Patched(term, column, of_missing) if column.has_missing else term
    return _folded(RELATIONS[name], column, to_number(value), of_missing=of_missing)


def dated(name: str, column: Moments, missing: Value, text: str) -> Term:
    """Times compared with a text: with the first time whose text is not before it, or is after it."""
    is_inclusive = name in ("<=", ">")
    first = column.first_not_before(lambda own: EAGER["<=" if is_inclusive else "<"](own, text))
    compare = np.less if name in ("<", "<=") else np.greater_equal
    return _folded(compare, column, first, of_missing=bool(EAGER[name](missing, text)))


def _folded(compare: Any, column: Numeric | Moments, bound: Any, *, of_missing: bool) -> Term:
    if column.values.dtype.kind in "iu" and bound.is_integer() and abs(bound) < EXACT:
        bound = int(bound)
    if not column.has_missing or of_missing == (compare is np.not_equal):
        return Compared(column.values, compare, bound, is_negated=False)
    if of_missing and compare in NEGATED and bound == bound:
        return Compared(column.values, NEGATED[compare], bound, is_negated=True)
    return Patched(Compared(column.values, compare, bound, is_negated=False), column, of_missing)
