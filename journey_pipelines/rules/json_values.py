"""Python data as JSON values: what the evaluators read and what they give back.

Numbers of every library are numbers (beyond 2**53 the nearest double); NaN, NaT and NA are null; times, dates and
timestamps are their ISO-8601 text (`isoformat`, so an offset is written `+00:00`); durations are seconds; UUIDs and
members of enumerations are their text or value; arrays and tuples are lists.
"""

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

import numpy as np
import pandas as pd

from journey_pipelines.rules.coercion import UNDEFINED, Value, double
from journey_pipelines.rules.faults import MAX_ITEMS, RuleEvaluationError

EXACT_INTEGERS: Final = 2**53
FOREIGN: Final = (ArithmeticError, TypeError, ValueError)  # what libraries raise for values beyond their range
AS_THEY_ARE: Final = frozenset({str, bool, type(None)})


def to_json(value: Any) -> Value:
    """The JSON value that a Python value stands for; the very same object where it is one already.

    Raises RuleEvaluationError for a value that stands for none.
    """
    kind = type(value)
    if kind in AS_THEY_ARE:
        return value
    if kind is int:
        return value if -EXACT_INTEGERS <= value <= EXACT_INTEGERS else double(value)
    if kind is float:
        return value if value == value else None
    if kind is dict:
        return _object(value)
    if kind is list:
        return _list(value)
    return _from_library(value)


def _object(value: dict[Any, Any]) -> dict[Any, Any]:
    converted = list(map(to_json, value.values()))
    if all(new is old for new, old in zip(converted, value.values(), strict=True)) and all(map(_is_text, value)):
        return value
    return dict(zip(map(key_text, value), converted, strict=True))


def key_text(key: Any) -> str:
    """The text of a key or of a column's label. Raises RuleEvaluationError where it has none."""
    if isinstance(key, str):
        return str.__str__(key)
    try:
        return str(key)
    except Exception as error:
        raise RuleEvaluationError(f"a name of type {type(key).__name__} has no text ({error}); use texts") from error


def _is_text(key: Any) -> bool:
    return type(key) is str


def _list(value: list[Any]) -> list[Any]:
    converted = list(map(to_json, value))
    return value if all(new is old for new, old in zip(converted, value, strict=True)) else converted


def _from_library(value: Any) -> Value:
    if value is UNDEFINED or value is pd.NA or value is pd.NaT:
        return UNDEFINED if value is UNDEFINED else None
    for kind, convert in CONVERSIONS:
        if isinstance(value, kind):
            try:
                return convert(value)
            except FOREIGN as error:
                raise RuleEvaluationError(f"rules cannot read {_shown(value)} ({error})") from error
    raise RuleEvaluationError(
        f"rules read JSON values and found {_shown(value)} of type {type(value).__name__};"
        " deliver numbers, texts, booleans, times, lists or objects"
    )


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - it is somebody's class, or a number of many digits
        text = f"what has no text ({error})"
    return text if len(text) <= 60 else text[:57] + "..."


def _number(value: Any) -> Value:
    is_nan = value.is_nan() if isinstance(value, Decimal) else math.isnan(value)
    return None if is_nan else double(value)


def _from_array(array: Any) -> Value:
    if array.ndim == 0:
        return to_json(array[()])
    # `tolist` makes integers of times
    return to_json(list(array) if array.dtype.kind in "OmM" else array.tolist())


CONVERSIONS: Final[tuple[tuple[Any, Callable[[Any], Value]], ...]] = (
    (Enum, lambda member: to_json(member.value)),
    (str, str),
    (np.bool_, bool),
    (np.timedelta64, lambda duration: to_json(pd.Timedelta(duration))),
    ((int, np.integer), lambda number: to_json(int(number))),
    ((float, np.floating, Decimal), _number),
    (datetime, lambda moment: moment.isoformat()),
    ((date, time), lambda moment: moment.isoformat()),
    (np.datetime64, lambda moment: to_json(pd.Timestamp(moment))),
    (timedelta, lambda duration: to_json(float(duration.total_seconds()))),
    (UUID, str),
    (np.ndarray, _from_array),
    ((list, tuple), lambda items: _list(list(items))),
    (Mapping, lambda mapping: _object(dict(mapping))),
)


def from_result(value: Value) -> Any:
    """What a caller gets: undefined becomes null, and inside objects disappears, as JSON.stringify has it.

    Raises RuleEvaluationError for a result of more than MAX_ITEMS values.
    """
    if type(value) is not list and type(value) is not dict:
        return None if value is UNDEFINED else value
    return _copy(value, {})[0]


def _copy(value: Value, done: dict[int, tuple[Any, int]]) -> tuple[Any, int]:
    """The copy and how many values it holds; a part that occurs twice is copied once."""
    if not isinstance(value, list | dict):
        return (None if value is UNDEFINED else value), 1
    if id(value) in done:
        return done[id(value)]
    made: Any
    if isinstance(value, list):
        parts = [_copy(item, done) for item in value]
        made = [item for item, _ in parts]
    else:
        names = [name for name, item in value.items() if item is not UNDEFINED]
        parts = [_copy(value[name], done) for name in names]
        made = dict(zip(names, (item for item, _ in parts), strict=True))
    size = 1 + sum(count for _, count in parts)
    if size > MAX_ITEMS:
        raise RuleEvaluationError(f"a rule made a value of more than {MAX_ITEMS} parts; make its lists shorter")
    done[id(value)] = made, size
    return made, size
