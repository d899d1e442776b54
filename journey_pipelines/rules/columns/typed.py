"""Columns in the form that array code wants: numbers, codes of few distinct values, or lists with offsets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from journey_pipelines.rules.coercion import UNDEFINED
from journey_pipelines.rules.columns.dictionaries import encode
from journey_pipelines.rules.columns.intake import from_objects, from_series, used_categories
from journey_pipelines.rules.columns.lists import flatten
from journey_pipelines.rules.columns.steps import step
from journey_pipelines.rules.columns.texts import distinct_texts
from journey_pipelines.rules.columns.vector import NULLISH, Kind, Mask, Numbers, Vector, objects

MOST_DISTINCT: Final = 4096  # values for each of which a subtree is worth being evaluated
LOOKED_AT: Final = 2 * MOST_DISTINCT  # rows of which a column with too many values shows so
FIRST_YEAR, LAST_YEAR = 1000, 9999  # of four digits
FEW_ROWS_FOR_EACH: Final = 4  # rows that a distinct value should stand for


@dataclass(frozen=True, eq=False)
class Numeric:
    """Numbers or booleans (as 0 and 1): float64 in which NaN is a missing cell, or any integers."""

    values: npt.NDArray[Any]
    is_boolean: bool
    missing: Kind | None  # what a missing cell is: UNDEFINED or NULL; None where there are both

    @property
    def has_missing(self) -> bool:
        """Whether a cell may be missing."""
        return self.values.dtype.kind == "f"

    @cached_property
    def zero_filled(self) -> Numbers:
        """Doubles with 0 for missing cells, as arithmetic reads null."""
        if not self.has_missing:
            return self.values.astype(np.float64)
        numbers = self.values.copy()
        np.copyto(numbers, 0.0, where=np.isnan(numbers))
        return numbers


@dataclass(frozen=True, eq=False)
class Moments:
    """Times in UTC or without a zone, of years of four digits: their order is that of their ISO-8601 texts."""

    values: npt.NDArray[np.datetime64]
    zone: str | None
    missing: Kind | None
    has_missing: bool = True

    def first_not_before(self, comes_before: Callable[[str], bool]) -> np.datetime64:
        """The first time, of those between the column's first and just after its last, whose text does not."""
        known = self.values[~np.isnat(self.values)].astype(np.int64)
        low, high = int(known.min()), int(known.max()) + 1
        while low < high:
            middle = (low + high) // 2
            moment = pd.Timestamp(self._moment(middle)).tz_localize(self.zone)
            low, high = (middle + 1, high) if comes_before(moment.isoformat()) else (low, middle)
        return self._moment(low)

    def _moment(self, count: int) -> np.datetime64:
        moment: np.datetime64 = np.array([count], dtype=np.int64).view(self.values.dtype)[0]
        return moment


@dataclass(frozen=True, eq=False)
class Coded:
    """A code for each row, and the value of each code; the last one, which has the code -1, is the missing cell."""

    codes: npt.NDArray[np.signedinteger[Any]]
    distinct: Vector


@dataclass(frozen=True, eq=False)
class Lists:
    """The elements of row i are those from offsets[i] to offsets[i + 1]; what is no list has none."""

    offsets: npt.NDArray[np.int64]
    elements: "Source"
    longest: int  # how many elements a row has at most


Typed = Numeric | Moments | Coded | Lists


class Source(Protocol):
    """Where a rule finds its columns: a frame, or the elements of lists."""

    def typed(self, path: str) -> Typed | None:
        """The column behind a dotted name, where it has one of these forms. The empty name is the element itself."""


class Elements:
    """Elements of lists, computed from a vector of them."""

    def __init__(self, elements: Vector) -> None:
        self._elements = elements
        self._typed: dict[str, Typed | None] = {}

    def typed(self, path: str) -> Typed | None:
        """Elements themselves, or what lies at a dotted name inside each."""
        if path not in self._typed:
            self._typed[path] = from_vector(reduce(step, path.split("."), self._elements) if path else self._elements)
        return self._typed[path]


class ArrowElements:
    """Elements of Arrow lists: scalars, or structs whose fields are read where neither they nor lists are nested."""

    def __init__(self, elements: Any) -> None:
        self._elements = elements
        self._typed: dict[str, Typed | None] = {}

    def typed(self, path: str) -> Typed | None:
        """Elements themselves, or one field of each."""
        if path not in self._typed:
            self._typed[path] = self._read(path)
        return self._typed[path]

    def _read(self, path: str) -> Typed | None:
        kind = self._elements.type
        if not path:
            return None if pa.types.is_nested(kind) else from_arrow(self._elements)
        # a name with dots leads into a field; no field has it as its name
        is_field = "." not in path and pa.types.is_struct(kind) and kind.get_field_index(path) >= 0
        if not is_field or self._elements.null_count:
            return None
        field = pa.compute.struct_field(self._elements, [path])
        return None if pa.types.is_nested(field.type) else from_arrow(field)


def from_arrow(array: Any) -> Typed | None:
    """The column of an Arrow array that is not nested; a null in it is null."""
    return typed_series(_arrow_series(array), null=Kind.NULL)


def typed_series(series: pd.Series, *, null: Kind) -> Typed | None:
    """The column of a frame in its form; None where it is mixed, nested or has too many different texts."""
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        if len(series.cat.categories) > MOST_DISTINCT:
            return None
        codes, categories = used_categories(series, null=null)
        return Coded(codes, _with_missing(categories, null))
    if isinstance(dtype, np.dtype) and dtype.kind in "iu":
        return Numeric(series.to_numpy(), is_boolean=False, missing=null)
    if isinstance(dtype, np.dtype) and dtype.kind == "b":
        return Numeric(series.to_numpy().view(np.int8), is_boolean=True, missing=null)
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        return Numeric(series.to_numpy(dtype=np.float64), is_boolean=False, missing=null)
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_list(dtype.pyarrow_dtype):
        return _arrow_lists(series)
    if isinstance(dtype, pd.StringDtype) or _is_arrow_text(dtype):
        return _factorized(series, null=null)
    if isinstance(dtype, np.dtype | pd.DatetimeTZDtype) and dtype.kind == "M":
        return _factorized(series, null=null) or _moments(series, null=null)
    return from_vector(from_series(series, null=null))


def from_vector(vector: Vector) -> Typed | None:
    """The form of a vector, where all its cells but missing ones are of one kind and all missing ones are alike."""
    missing = vector.present & NULLISH
    kinds = vector.present - NULLISH
    if len(kinds) > 1:
        return None
    null = next(iter(missing), Kind.UNDEFINED)
    if kinds <= {Kind.NUMBER, Kind.BOOLEAN}:
        values = np.where(vector.is_kind(*kinds), vector.numbers, np.nan) if missing else vector.numbers
        either = None if len(missing) > 1 else null
        return Numeric(np.ascontiguousarray(values), is_boolean=Kind.BOOLEAN in kinds, missing=either)
    if kinds == {Kind.TEXT} and len(missing) < 2:
        cells = vector.cells.copy()
        cells[~vector.is_kind(Kind.TEXT)] = None
        return _factorized(pd.Series(cells, dtype=object), null=null)
    if kinds == {Kind.LIST}:
        rows = vector.is_kind(Kind.LIST)
        elements, sizes = flatten(vector.take(rows))
        every = np.zeros(len(vector), dtype=np.int64)
        every[rows] = sizes
        return Lists(_offsets(every), Elements(elements), int(sizes.max(initial=0)))
    return None


def _factorized(series: pd.Series, *, null: Kind) -> Coded | None:
    """Codes of a column that repeats its values; the first rows tell of most that do not."""
    start = series.iloc[:LOOKED_AT]
    if len(series) > LOOKED_AT and start.nunique() * FEW_ROWS_FOR_EACH > len(start):
        return None
    if _is_arrow_text(series.dtype):
        codes, cells = encode(_arrow_array(series))
    else:
        is_time = isinstance(series.dtype, np.dtype | pd.DatetimeTZDtype) and series.dtype.kind == "M"
        found, distinct = pd.factorize(series) if is_time else distinct_texts(series)
        codes = found.astype(np.min_scalar_type(-1 - len(distinct)))
        cells = pd.Series(distinct, dtype=object).to_numpy()
    return Coded(codes, _with_missing(from_objects(cells, is_data=True), null)) if len(cells) <= MOST_DISTINCT else None


def _is_arrow_text(dtype: Any) -> bool:
    if isinstance(dtype, pd.StringDtype):
        return bool(dtype.storage == "pyarrow")
    if not isinstance(dtype, pd.ArrowDtype):
        return False
    return bool(pa.types.is_string(dtype.pyarrow_dtype) or pa.types.is_large_string(dtype.pyarrow_dtype))


def _moments(series: pd.Series, *, null: Kind) -> Moments | None:
    zone = None if series.dt.tz is None else str(series.dt.tz)
    first, last = series.min(), series.max()
    if zone not in (None, "UTC") or first is pd.NaT or first.year < FIRST_YEAR or last.year > LAST_YEAR:
        return None
    return Moments(series.dt.tz_localize(None).to_numpy(), zone, null)


def _with_missing(distinct: Vector, null: Kind) -> Vector:
    missing = objects([UNDEFINED if null is Kind.UNDEFINED else None], 1)
    kinds = np.append(distinct.kinds, np.int8(null))
    return Vector(kinds, np.append(distinct.numbers, 0.0), np.concatenate([distinct.cells, missing]), is_data=True)


def typed_field(structs: pd.Series, names: Sequence[str]) -> Typed | None:
    """A field of a column of Arrow structs, by the names that lead to it; None where there is no such field."""
    if not isinstance(structs.dtype, pd.ArrowDtype):
        return None
    above = found = _arrow_array(structs)
    for name in names:
        if not pa.types.is_struct(found.type) or found.type.get_field_index(name) < 0:
            return None
        above, found = found, pa.compute.struct_field(found, [name])
    has_nan = pa.types.is_floating(found.type) and pa.compute.any(pa.compute.is_nan(found)).as_py()
    # a field of nothing is undefined, a null field is null
    is_undefined = found.null_count == above.null_count and not has_nan
    is_null = above.null_count == 0
    column = typed_series(_arrow_series(found), null=Kind.UNDEFINED if is_undefined else Kind.NULL)
    if is_undefined or is_null:
        return column
    return replace(column, missing=None) if isinstance(column, Numeric) else None


def _arrow_array(series: pd.Series) -> Any:
    """The column in one chunk."""
    array = pa.array(series.array)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _arrow_series(array: Any) -> pd.Series:
    return pd.Series(pd.array(array, dtype=pd.ArrowDtype(array.type)))


def _arrow_lists(series: pd.Series) -> Lists:
    array = _arrow_array(series)
    sizes = pa.compute.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    return Lists(_offsets(sizes), ArrowElements(array.flatten()), int(sizes.max(initial=0)))


def _offsets(sizes: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def is_missing(column: Numeric | Moments, rows: slice) -> Mask:
    """Rows whose cell is missing."""
    values = column.values[rows]
    return np.isnan(values) if column.has_missing else np.zeros(len(values), dtype=bool)
