"""Random frames of every dtype that warehouses deliver, and their rows as the documents that they mean."""

from collections.abc import Callable
from datetime import date, timedelta
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
        columns["l"] = random.choice(LISTS)(rules, size)
    if random.random() < 0.4:
        columns["o.x"], columns["o.l"] = random.choice(SCALARS)(rules, size), lists(rules, size)
    else:
        columns["o"] = random.choice([objects, arrow_structs, arrow_structs_in_structs, mixed])(rules, size)
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


def _single(random: Random) -> float:
    """A number in the range of single precision."""
    number = _number(random)
    return number if abs(number) < 1e38 else 0.1


def floats(rules: RandomRules, size: int) -> Any:
    dtype = rules.random.choice(FLOATS)
    is_single = str(dtype).lower().startswith(("float32", "float["))
    values = _cells(rules.random, size, lambda: _single(rules.random) if is_single else _number(rules.random), np.nan)
    return pd.array(values, dtype=dtype)


def integers(rules: RandomRules, size: int) -> Any:
    dtype = rules.random.choice(["int64", "int8", "uint8", "Int64", "UInt8", pd.ArrowDtype(pa.int32())])
    values = [rules.random.choice([0, 1, 2, 3, 9, 10, 100, 16]) for _ in range(size)]
    if not isinstance(dtype, str) or dtype[0].isupper():
        values = _cells(rules.random, size, lambda: rules.random.choice(values))
    return pd.array(values, dtype=dtype)


def large_integers(rules: RandomRules, size: int) -> Any:
    dtype = rules.random.choice(["int64", "Int64", pd.ArrowDtype(pa.int64())])
    values = [rules.random.choice([2**53 + 1, -(2**60) - 1, 2**63 - 1, -(2**63), 5]) for _ in range(size)]
    return pd.array(values if dtype == "int64" else _cells(rules.random, size, lambda: 2**53 + 1), dtype=dtype)


def unsigned_integers(rules: RandomRules, size: int) -> Any:
    dtype = rules.random.choice(["uint64", pd.ArrowDtype(pa.uint64())])
    return pd.array([rules.random.choice([0, 1, 2**53 + 1, 2**64 - 1]) for _ in range(size)], dtype=dtype)


def durations(rules: RandomRules, size: int) -> Any:
    dtype = rules.random.choice(["timedelta64[s]", "timedelta64[ns]", pd.ArrowDtype(pa.duration("us"))])
    values = _cells(rules.random, size, lambda: pd.Timedelta(seconds=rules.random.choice([0, 1, -90, 86_400])), pd.NaT)
    return pd.array(values, dtype=dtype)


def booleans(rules: RandomRules, size: int) -> Any:
    dtype = rules.random.choice(["bool", "boolean", pd.ArrowDtype(pa.bool_())])
    values = [rules.random.random() < 0.5 for _ in range(size)]
    return pd.array(values if dtype == "bool" else _cells(rules.random, size, lambda: True), dtype=dtype)


def texts(rules: RandomRules, size: int) -> Any:
    values = _cells(rules.random, size, lambda: rules.random.choice(TEXTS))
    made = pd.array(values, dtype=rules.random.choice([*ARROW_TEXTS, "str", "string", "object", "string[python]"]))
    return _in_chunks(made) if isinstance(made.dtype, pd.ArrowDtype) and rules.random.random() < 0.5 else made


def _in_chunks(array: Any) -> Any:
    """The same in two chunks, the first of which begins in the middle of its buffers."""
    values = pa.concat_arrays([pa.array(array).slice(0, 1), pa.array(array)] if len(array) else [pa.array(array)])
    whole = values.slice(min(1, len(array)))
    chunks = [whole.slice(0, len(whole) // 2), whole.slice(len(whole) // 2)]
    return pd.array(pd.arrays.ArrowExtensionArray(pa.chunked_array(chunks)), dtype=array.dtype)


def nothing(rules: RandomRules, size: int) -> Any:
    return pd.array([None] * size, dtype=rules.random.choice(["object", "Float64", pd.ArrowDtype(pa.null())]))


def categories(rules: RandomRules, size: int) -> Any:
    values: list[Any] = rules.random.choice([TEXTS, [1, 2, 3, 10], [True, False], [0.5, -1.0]])
    return pd.Categorical(_cells(rules.random, size, lambda: rules.random.choice(values)))


def moments(rules: RandomRules, size: int) -> Any:
    known = pd.to_datetime(
        ["2024-01-05", "2024-01-05T10:11:12.5", "2023-07-01T23:00:00", "2024-07-01T00:00:00.000001"], format="ISO8601"
    )
    zone = rules.random.choice([None, "UTC", "Europe/Berlin", "America/New_York"])
    cells = _cells(rules.random, size, lambda: rules.random.choice(known), pd.NaT)
    unit = rules.random.choice(["s", "ms", "us", "ns"])
    values = pd.Series(cells, dtype="datetime64[us]").astype(f"datetime64[{unit}]").dt.tz_localize(zone)
    return values.array if rules.random.random() < 0.7 else values.astype(pd.ArrowDtype(pa.timestamp(unit, zone))).array


def dates(rules: RandomRules, size: int) -> Any:
    values = _cells(rules.random, size, lambda: rules.random.choice([date(2024, 1, 5), date(2023, 12, 31)]))
    return pd.array(values, dtype=rules.random.choice(["object", pd.ArrowDtype(pa.date32())]))


def decimals(rules: RandomRules, size: int) -> Any:
    values = _cells(rules.random, size, lambda: rules.random.choice([Decimal("1.5"), Decimal("10"), Decimal("0")]))
    return pd.array(values, dtype=rules.random.choice(["object", pd.ArrowDtype(pa.decimal128(5, 2))]))


def mixed(rules: RandomRules, size: int) -> Any:
    odd = [np.int64(3), np.float64(2.5), np.bool_(True), pd.Timestamp("2024-01-05"), date(2024, 1, 5), (1, "2")]
    odd += [10**400, np.array(5), np.array(["2024-01-05"], dtype="datetime64[ns]"), timedelta.max]
    return _objects([rules.random.choice(odd) if rules.random.random() < 0.1 else rules.value() for _ in range(size)])


def lists(rules: RandomRules, size: int) -> Any:
    return _objects(_cells(rules.random, size, lambda: [rules.value(1) for _ in range(rules.random.randrange(4))]))


def arrow_lists(rules: RandomRules, size: int) -> Any:
    options: list[tuple[Any, list[Any]]] = [
        (pa.int64(), [1, 2, None]),
        (pa.string(), ["gold", "1", None]),
        (pa.bool_(), [True, False, None]),
        (pa.date32(), [date(2024, 1, 5), None]),
        (pa.list_(pa.int8()), [[1], [], [2, None], None]),
    ]
    kind, values = rules.random.choice(options)
    cells = _cells(rules.random, size, lambda: rules.random.choices(values, k=rules.random.randrange(4)))
    made = pd.array(cells, dtype=pd.ArrowDtype(rules.random.choice(LIST_TYPES)(kind)))
    return _in_chunks(made) if rules.random.random() < 0.5 else made


def arrow_pairs(rules: RandomRules, size: int) -> Any:
    cells = _cells(rules.random, size, lambda: rules.random.choices([1.5, 2.0, None], k=2))
    return pd.array(cells, dtype=pd.ArrowDtype(pa.list_(pa.float64(), 2)))


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


def arrow_structs_in_structs(rules: RandomRules, size: int) -> Any:
    values = [{"x": 1.5, "o": {"x": "a"}}, {"x": None, "o": None}, {"x": 3.0, "o": {"x": None}}]
    cells = _cells(rules.random, size, lambda: rules.random.choice(values))
    kind = pa.struct([("x", pa.float64()), ("o", pa.struct([("x", pa.large_string())]))])
    return pd.array(cells, dtype=pd.ArrowDtype(kind))


def _objects(values: list[Any]) -> pd.Series:
    return pd.Series(np.fromiter(values, dtype=object, count=len(values)), dtype=object).array


FLOATS = ["float64", "Float64", "float32", "Float32", pd.ArrowDtype(pa.float64()), pd.ArrowDtype(pa.float32())]
ARROW_TEXTS: list[Any] = [pd.ArrowDtype(kind) for kind in (pa.string(), pa.large_string(), pa.string_view())]
LIST_TYPES = [pa.list_, pa.large_list, pa.list_view, pa.large_list_view]
LISTS = [lists, arrow_lists, arrow_lists, arrow_pairs, arrow_structs_in_lists, mixed]
SCALARS = [
    *(floats, integers, large_integers, unsigned_integers, booleans, texts, texts, categories),
    *(moments, dates, durations, decimals, mixed, nothing),
]
