"""Arrow columns of view types (`string_view`, `list_view`), which pandas does not know, in the layouts that it does."""

from typing import Any

import pandas as pd
import pyarrow as pa

types = pa.types


def readable(series: pd.Series) -> pd.Series:
    """The column without views; the very same one where it has none."""
    if not isinstance(series.dtype, pd.ArrowDtype):
        return series
    kind = series.dtype.pyarrow_dtype
    wanted = _without_views(kind)
    if wanted == kind:
        return series
    array = pa.array(series.array)
    # Arrow's own cast of lists of views loses elements of slices and of lists inside them
    made = array.cast(wanted) if types.is_string_view(kind) else pa.array(array.to_pylist(), wanted)
    return pd.Series(pd.array(made, dtype=pd.ArrowDtype(wanted)), index=series.index)


def _without_views(kind: Any) -> Any:
    if types.is_string_view(kind):
        return pa.large_string()
    if types.is_list_view(kind) or types.is_large_list_view(kind) or types.is_large_list(kind):
        return pa.large_list(_field(kind.value_field))
    if types.is_list(kind):
        return pa.list_(_field(kind.value_field))
    if types.is_fixed_size_list(kind):
        return pa.list_(_field(kind.value_field), kind.list_size)
    if types.is_struct(kind):
        return pa.struct([_field(field) for field in kind])
    if types.is_map(kind):
        return pa.map_(_field(kind.key_field), _field(kind.item_field))
    if types.is_dictionary(kind) and types.is_string_view(kind.value_type):
        return pa.large_string()
    return kind


def _field(field: Any) -> Any:
    return field.with_type(_without_views(field.type))
