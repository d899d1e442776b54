"""Random frames of every dtype that warehouses deliver, and their rows as the documents that they mean."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.unit.rules.random_rules import NUMBERS, TEXTS, RandomRules


def random_frame(rules: RandomRules, size: int) -> pd.DataFrame:
    """Columns a, b, c, d, l and o (or `o.x` and `o.l`), each of a random dtype or absent."""
    random = rules.random
    columns: dict[str, Any] = {}
    for name in "abcd":
        if random.random() < 0.9:
            columns[name] = random.choice(SCALARS)(rules, size)
    if random.random() < 0.9:
        columns["l"] = random.choice([lists, arrow_lists, arrow_structs_in_lists, mixed])(rules, size)
    if random.random() < 0.4:
        columns["o.x"], columns["o.l"] = random.choice(SCALARS)(rules, size), lists(rules, size)
    else:
        columns["o"] = random.choice([objects, arrow_structs, mixed])(rules, size)
    return pd.DataFrame(columns, index=random.sample(range(100), size))


def documents(frame: pd.DataFrame, missing: str) -> list[dict[str, Any]]:
    """One document for each row; a missing cell is left out, or None with missing="null"."""
    return [_document(frame, position, missing) for position in range(len(frame))]


def _document(frame: pd.DataFrame, position: int, missing: str) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name in frame.columns:
        cell = frame[name].iloc[position]
        is_missing = pd.api.types.is_scalar(cell) and pd.isna(cell)
        if is_missing and missing == "absent":
            continue
        first, _, rest = name.partition(".")
        value = None if is_missing else cell
        if rest:
            document.setdefault(first, {})[rest] = value
        else:
            document[first] = value
    return document


def _cells(random: Random, size: int, make: Callable[[], Any], missing: Any = None) -> list[Any]:
    return [missing if random.random() < 0.2 else make() for _ in range(size)]


def _number(random: Random) -> float:
    return float(random.choice(NUMBERS))


def floats(rules: RandomRules, size: int) -> Any:
    values = _cells(rules.random, size, lambda: _number(rules.random), np.nan)
    return pd.array(values, dtype=rules.random.choice(["float64", "Float64", pd.ArrowDtype(pa.float64())]))


def integers(rules: RandomRules, size: int) -> Any:
    dtype = rules.random.choice(["int64", "int8", "uint8", "Int64", "UInt8", pd.ArrowDtype(pa.int32())])
    values = [rules.random.choice([0, 1, 2, 3, 9, 10, 100, 16]) for _ in range(size)]
    if not isinstance(dtype, str) or dtype[0].isupper():
        values = _cells(rules.random, size, lambda: rules.random.choice(values))
    return pd.array(values, dtype=dtype)


def large_integers(rules: RandomRules, size: int) -> Any:
    return pd.array([rules.random.choice([2**53 + 1, -(2**60) - 1, 5]) for _ in range(size)], dtype="int64")


def booleans(rules: RandomRules, size: int) -> Any:
    dtype = rules.random.choice(["bool", "boolean", pd.ArrowDtype(pa.bool_())])
    values = [rules.random.random() < 0.5 for _ in range(size)]
    return pd.array(values if dtype == "bool" else _cells(rules.random, size, lambda: True), dtype=dtype)


def texts(rules: RandomRules, size: int) -> Any:
    dtype = rules.random.choice(["str", "string", "object", pd.ArrowDtype(pa.string())])
    return pd.array(_cells(rules.random, size, lambda: rules.random.choice(TEXTS)), dtype=dtype)


def categories(rules: RandomRules, size: int) -> Any:
    values: list[Any] = rules.random.choice([TEXTS, [1, 2, 3, 10]])
    return pd.Categorical(_cells(rules.random, size, lambda: rules.random.choice(values)))


def moments(rules: RandomRules, size: int) -> Any:
    known = pd.to_datetime(
        ["2024-01-05", "2024-01-05T10:11:12.5", "2023-07-01T23:00:00", "2024-07-01T00:00:00.000001"], format="ISO8601"
    )
    zone = rules.random.choice([None, "UTC", "Europe/Berlin", "America/New_York"])
    values = pd.Series(_cells(rules.random, size, lambda: rules.random.choice(known), pd.NaT), dtype="datetime64[us]")
    return values.dt.tz_localize(zone).array


def dates(rules: RandomRules, size: int) -> Any:
    values = _cells(rules.random, size, lambda: rules.random.choice([date(2024, 1, 5), date(2023, 12, 31)]))
    return pd.array(values, dtype=rules.random.choice(["object", pd.ArrowDtype(pa.date32())]))


def decimals(rules: RandomRules, size: int) -> Any:
    values = _cells(rules.random, size, lambda: rules.random.choice([Decimal("1.5"), Decimal("10"), Decimal("0")]))
    return pd.array(values, dtype=rules.random.choice(["object", pd.ArrowDtype(pa.decimal128(5, 2))]))


def mixed(rules: RandomRules, size: int) -> Any:
    odd = [np.int64(3), np.float64(2.5), np.bool_(True), pd.Timestamp("2024-01-05"), date(2024, 1, 5), (1, "2")]
    return _objects([rules.random.choice(odd) if rules.random.random() < 0.1 else rules.value() for _ in range(size)])


def lists(rules: RandomRules, size: int) -> Any:
    return _objects(_cells(rules.random, size, lambda: [rules.value(1) for _ in range(rules.random.randrange(4))]))


def arrow_lists(rules: RandomRules, size: int) -> Any:
    options: list[tuple[Any, list[Any]]] = [(pa.int64(), [1, 2, None]), (pa.string(), ["gold", "1", None])]
    kind, values = rules.random.choice(options)
    cells = _cells(rules.random, size, lambda: rules.random.choices(values, k=rules.random.randrange(4)))
    return pd.array(cells, dtype=pd.ArrowDtype(pa.list_(kind)))


def arrow_structs_in_lists(rules: RandomRules, size: int) -> Any:
    values = [{"x": 1, "y": "a"}, {"x": None, "y": "b"}, {"x": 3, "y": None}]
    cells = _cells(rules.random, size, lambda: rules.random.choices(values, k=rules.random.randrange(4)))
    return pd.array(cells, dtype=pd.ArrowDtype(pa.list_(pa.struct([("x", pa.int64()), ("y", pa.string())]))))


def objects(rules: RandomRules, size: int) -> Any:
    return _objects(_cells(rules.random, size, lambda: {"x": rules.value(1), "l": [1, "2"], "o": rules.value(1)}))


def arrow_structs(rules: RandomRules, size: int) -> Any:
    values = [{"x": 1, "l": ["a"]}, {"x": None, "l": None}, {"x": 3, "l": []}]
    cells = _cells(rules.random, size, lambda: rules.random.choice(values))
    return pd.array(cells, dtype=pd.ArrowDtype(pa.struct([("x", pa.int64()), ("l", pa.list_(pa.string()))])))


def _objects(values: list[Any]) -> pd.Series:
    return pd.Series(np.fromiter(values, dtype=object, count=len(values)), dtype=object).array


SCALARS = [floats, integers, large_integers, booleans, texts, texts, categories, moments, dates, decimals, mixed]
