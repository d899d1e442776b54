"""Between rows, Arrow tables and frames: the one home of the conversions, so that every path gives the same dtypes.

Frames follow `engine.frames`: text is `str`, times are `datetime64[us, UTC]`, numbers with nulls are float64 with
NaN, lists stay Python lists in `object` columns, booleans with nulls are `object` with None. Dates become ISO text.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from journey_pipelines.engine.frames import TEXT, TIME


class ColumnTypeError(Exception):
    """A column that no frame can hold; its text says which and why. Callers name the query or file."""


def table_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    """An Arrow table of database rows; a column's type is that of its values."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pa.table([_values(name, column) for name, column in zip(names, columns, strict=True)], names=list(names))


def _values(name: str, values: Sequence[Any]) -> Any:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError) as error:
        raise ColumnTypeError(f"column {name!r} mixes types ({error})") from error


def stack_tables(tables: Sequence[Any]) -> Any:
    """All rows below one another; a column that is null in one table takes its type from the others."""
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise ColumnTypeError(f"a column mixes types ({error})") from error


def frame_of(table: Any) -> pd.DataFrame:
    """The table as a frame, row for row. Raises ColumnTypeError for a type that frames have no place for."""
    columns = {name: series_of(name, table.column(name)) for name in table.column_names}
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))


def series_of(name: str, column: Any) -> pd.Series:
    """A chunked array as a column of frames. Raises ColumnTypeError for a type that they have no place for."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.to_pandas().astype(TEXT)
    if pa.types.is_timestamp(kind):
        return (
            column.cast(pa.timestamp("us", kind.tz or "UTC"), safe=False).to_pandas().dt.tz_convert("UTC").astype(TIME)
        )
    if pa.types.is_date(kind):
        return column.cast(pa.string()).to_pandas().astype(TEXT)
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64()).to_pandas()
    if pa.types.is_list(kind) and not pa.types.is_nested(kind.value_type):
        return pd.Series(column.to_pylist(), dtype=object)
    if pa.types.is_null(kind):
        return pd.Series([None] * len(column), dtype=object)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return column.to_pandas()
    raise ColumnTypeError(
        f"column {name!r} has type {kind}; numbers, booleans, text, times and lists of them are known"
    )


def table_from(frame: pd.DataFrame) -> Any:
    """The frame as an Arrow table without pandas' own metadata. Raises ColumnTypeError for mixed columns."""
    try:
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None).combine_chunks()
    except pa.ArrowException as error:
        raise ColumnTypeError(str(error)) from error
