"""New dispatches as rows of `outbox`, in Postgres' binary format."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from journey_pipelines.engine.frames import DISPATCHES, INT, JSON, TEXT, TIME
from journey_pipelines.store.postgres import arrays
from journey_pipelines.store.postgres.standing import text_array
from journey_pipelines.store.values import json_texts

IMPLIED: Final = "key"  # by the execution, the node and the visit
JSONB_FORMAT: Final = b"\x01"  # the version that `jsonb_recv` reads before the text
EMPTY: Final = b"{}"


def outbox_rows(dispatches: pd.DataFrame, entry_nos: npt.NDArray[Any]) -> tuple[list[str], bytes]:
    """Checked DISPATCHES with the number of each one's execution: names of columns, rows for COPY (FORMAT binary).

    Columns that have no value in any row are left out. Raises StoreError for what is not JSON.
    """
    columns = {"entry_no": entry_nos.astype(np.int64)}
    columns |= {name: _column(dispatches[name], dtype) for name, dtype in DISPATCHES.items() if name != IMPLIED}
    given = {name: column for name, column in columns.items() if column is not None}
    return list(given), arrays.copy_bytes(list(given.values()))


def _column(values: pd.Series, dtype: str) -> Any:
    """As `copy_bytes` wants it; None where no row has a value."""
    if dtype == INT:
        return values.to_numpy().astype(np.int32)
    if dtype == TEXT:
        return text_array(values) if values.notna().any() else None
    if dtype == TIME:
        return _times(arrays.instants(values))
    assert dtype == JSON
    texts = json_texts(values.tolist(), column=f"dispatches.{values.name}")
    if texts.count(EMPTY) == len(texts):
        return None
    return pa.array([JSONB_FORMAT + text for text in texts], type=pa.large_binary())


def _times(moments: arrays.Times) -> Any:
    is_null = np.isnat(moments)
    if is_null.all():
        return None
    counts = arrays.counts(moments)
    return arrays.Sparse(counts, is_null) if is_null.any() else counts
