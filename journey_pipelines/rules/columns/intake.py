"""From columns of any pandas dtype, and from Python objects, to vectors. See `json_values` for the meaning."""

import operator
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from itertools import repeat
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from journey_pipelines.rules.coercion import UNDEFINED, Undefined, double
from journey_pipelines.rules.columns.vector import Kind, Kinds, Mask, Numbers, Objects, Vector, integers, objects
from journey_pipelines.rules.faults import RuleEvaluationError
from journey_pipelines.rules.json_values import EXACT_INTEGERS, FOREIGN, to_json

Convert = Callable[[Any], Any]

NONE: Final[Convert] = {}.get  # None for everything
# kind and conversion of a cell by its exact type; conversions are C functions, so that none of ours runs for each row
TYPES: Final[dict[type, tuple[Kind, Convert | None]]] = {
    Undefined: (Kind.UNDEFINED, None),
    type(None): (Kind.NULL, None),
    type(pd.NaT): (Kind.NULL, NONE),
    type(pd.NA): (Kind.NULL, NONE),
    bool: (Kind.BOOLEAN, None),
    np.bool_: (Kind.BOOLEAN, bool),
    int: (Kind.NUMBER, None),
    float: (Kind.NUMBER, None),
    np.float64: (Kind.NUMBER, float),
    np.float32: (Kind.NUMBER, float),
    Decimal: (Kind.NUMBER, float),
    str: (Kind.TEXT, None),
    np.str_: (Kind.TEXT, str),
    pd.Timestamp: (Kind.TEXT, pd.Timestamp.isoformat),
    datetime: (Kind.TEXT, datetime.isoformat),
    date: (Kind.TEXT, date.isoformat),
    time: (Kind.TEXT, time.isoformat),
    list: (Kind.LIST, None),
    tuple: (Kind.LIST, list),
    np.ndarray: (Kind.LIST, np.ndarray.tolist),
    dict: (Kind.OBJECT, None),
    **dict.fromkeys(
        (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64), (Kind.NUMBER, int)
    ),
}


def from_objects(cells: Objects, *, is_data: bool, null: Kind = Kind.NULL) -> Vector:
    """The vector of Python objects. In data, NaN and its kin are null (or `null`); in results NaN is a number."""
    size = len(cells)
    types = list(map(type, cells))
    kinds = np.zeros(size, dtype=np.int8)
    numbers = np.zeros(size)
    converted = cells
    for kind_of_cell in set(types):
        rows: Mask = np.fromiter(map(operator.is_, types, repeat(kind_of_cell)), bool, size)
        kind, convert = TYPES.get(kind_of_cell, (None, None))
        if kind is not None and convert is None and kind not in (Kind.NUMBER, Kind.BOOLEAN):
            kinds[rows] = kind
            continue
        own = cells[rows]
        kinds[rows], numbers[rows], found = _converted(own, kind, convert, is_data=is_data)
        if found is not own:
            converted = _replace(converted, cells, rows, found)
    return _settled(kinds, numbers, converted, cells, is_data=is_data, null=null)


def _converted(
    cells: Objects, kind: Kind | None, convert: Convert | None, *, is_data: bool
) -> tuple[Any, Any, Objects]:
    """Kinds, numbers and values of cells of one type; one by one where that is unknown or a cell beyond its range."""
    if kind is not None and not (convert is np.ndarray.tolist and _are_odd_arrays(cells)):
        try:
            made = cells if convert is None else objects(map(convert, cells), len(cells))
            return kind, _floats(cells) if kind in (Kind.NUMBER, Kind.BOOLEAN) else 0.0, made
        except FOREIGN:
            pass
    other = from_objects(objects(map(to_json, cells), len(cells)), is_data=is_data)
    return other.kinds, other.numbers, other.cells


def _are_odd_arrays(arrays: Objects) -> bool:
    """Whether an array holds times, of which `tolist` makes integers, or is no list but one value."""
    kinds, dimensions = (set(map(operator.attrgetter(name), arrays)) for name in ("dtype.kind", "ndim"))
    return not kinds.isdisjoint("mM") or 0 in dimensions


def _replace(converted: Objects, cells: Objects, rows: Mask, values: Iterable[Any]) -> Objects:
    made = cells.copy() if converted is cells else converted
    made[rows] = objects(values, int(rows.sum()))
    return made


def _floats(cells: Objects) -> Numbers:
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except OverflowError:
        return np.fromiter(map(double, cells), np.float64, len(cells))


def _settled(
    kinds: Kinds, numbers: Numbers, converted: Objects, cells: Objects, *, is_data: bool, null: Kind
) -> Vector:
    """Large integers made doubles; in data, NaN made null and null what it stands for."""
    is_number = kinds == Kind.NUMBER
    is_large = is_number & (np.abs(numbers) >= EXACT_INTEGERS)
    if is_large.any():
        converted = _replace(converted, cells, is_large, numbers[is_large].tolist())
    if is_data:
        is_nan = is_number & np.isnan(numbers)
        if is_nan.any():
            kinds[is_nan] = Kind.NULL
            converted = _replace(converted, cells, is_nan, repeat(None, int(is_nan.sum())))
        is_null = kinds == Kind.NULL
        if null is not Kind.NULL and is_null.any():
            kinds[is_null] = null
            converted = _replace(converted, cells, is_null, repeat(UNDEFINED, int(is_null.sum())))
    return Vector(kinds, numbers, converted, is_data=is_data)


def from_series(series: pd.Series, *, null: Kind) -> Vector:
    """The vector of a column; `null` is what its missing cells are (UNDEFINED or NULL).

    Raises RuleEvaluationError for what rules do not read.
    """
    try:
        return _from_series(series, null=null)
    except (*FOREIGN, NotImplementedError) as error:
        raise RuleEvaluationError(f"rules cannot read a value in a column of type {series.dtype} ({error})") from error


def used_categories(series: pd.Series, *, null: Kind) -> tuple[npt.NDArray[Any], Vector]:
    """The codes of a categorical column and the vector of its categories, of which unused ones may be anything."""
    try:
        return series.cat.codes.to_numpy(), from_series(pd.Series(series.cat.categories), null=null)
    except RuleEvaluationError:
        used = series.cat.remove_unused_categories()
        return used.cat.codes.to_numpy(), from_series(pd.Series(used.cat.categories), null=null)


def _from_series(series: pd.Series, *, null: Kind) -> Vector:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _coded(*used_categories(series, null=null), null=null)
    if isinstance(dtype, pd.SparseDtype):
        return from_series(pd.Series(np.asarray(series)), null=null)
    if pd.api.types.is_object_dtype(dtype):
        return from_objects(series.to_numpy(), is_data=True, null=null)
    if pd.api.types.is_bool_dtype(dtype):
        return _numeric(series, null=null, is_boolean=True)
    if pd.api.types.is_integer_dtype(dtype) and not series.hasnans:
        return integers(series.to_numpy(dtype=np.uint64 if pd.api.types.is_unsigned_integer_dtype(dtype) else np.int64))
    if pd.api.types.is_float_dtype(dtype) or pd.api.types.is_integer_dtype(dtype):
        return _numeric(series, null=null, is_boolean=False)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _moments(series, null=null)
    if pd.api.types.is_timedelta64_dtype(dtype):
        return _numeric(series.dt.total_seconds(), null=null, is_boolean=False)
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_nested(dtype.pyarrow_dtype):
        # numpy would make timestamps of the dates in lists and take their zones from times
        return from_objects(objects(pa.array(series.array).to_pylist(), len(series)), is_data=True, null=null)
    return from_objects(series.to_numpy(dtype=object), is_data=True, null=null)


def _coded(codes: npt.NDArray[Any], distinct: Vector, *, null: Kind) -> Vector:
    """A vector of few values by their codes; a missing cell has the code -1, which is the last."""
    missing = objects([UNDEFINED if null is Kind.UNDEFINED else None], 1)
    kinds = np.append(distinct.kinds, np.int8(null))
    numbers = np.append(distinct.numbers, 0.0)
    cells = np.concatenate([distinct.cells, missing])
    return Vector(kinds[codes], numbers[codes], cells[codes], is_data=True)


def _moments(series: pd.Series, *, null: Kind) -> Vector:
    """`isoformat` of each timestamp or date, made once for each that is distinct."""
    codes, distinct = pd.factorize(series)
    cells = pd.Series(distinct).astype(object).to_numpy()
    return _coded(codes, from_objects(cells, is_data=True), null=null)


def _numeric(series: pd.Series, *, null: Kind, is_boolean: bool) -> Vector:
    is_extension = not isinstance(series.dtype, np.dtype)
    numbers = series.to_numpy(dtype=np.float64, na_value=np.nan) if is_extension else series.to_numpy(dtype=np.float64)
    kind = Kind.BOOLEAN if is_boolean else Kind.NUMBER
    is_missing = np.isnan(numbers)
    if not is_missing.any():
        return Vector(np.broadcast_to(np.int8(kind), len(numbers)), numbers)
    return Vector(np.where(is_missing, np.int8(null), np.int8(kind)), numbers)
