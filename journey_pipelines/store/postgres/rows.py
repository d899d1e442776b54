"""Frames as CSV for COPY, and back; column operations in Arrow, no Python function for a row.

An unquoted empty field is null, a quoted one the empty string: Postgres and Arrow agree on it.
"""

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
from pydantic_core import from_json

from journey_pipelines.engine.frames import BOOL, INT, JSON, TEXT, TIME, conform, empty
from journey_pipelines.store.values import json_texts, textual

ARROW_TYPES: Final[Mapping[str, Any]] = {
    TEXT: pa.large_string(),
    INT: pa.int64(),
    BOOL: pa.bool_(),
    TIME: pa.timestamp("us", "UTC"),
    JSON: pa.large_string(),
}
WRITTEN: Final = arrow_csv.WriteOptions(include_header=False, quoting_style="all_valid")
LARGEST_BLOCK: Final = 2**31 - 1
SMALLEST_BLOCK: Final = 2**16


def to_csv(frame: pd.DataFrame, columns: Mapping[str, str], *, table: str) -> bytes:
    """The rows as CSV: their number from 0, then `columns`.

    Raises StoreError for a value that no store can keep.
    """
    shaped = textual(frame, columns, table=table)
    arrays = [pa.array(np.arange(len(shaped)))]
    for name, dtype in columns.items():
        values = json_texts(shaped[name].tolist(), column=f"{table}.{name}") if dtype == JSON else shaped[name]
        arrays.append(pa.array(values, type=ARROW_TYPES[dtype], from_pandas=True))
    # Arrow's writer leaves memory unwritten where a column has an empty chunk, as a concatenated frame may
    table_of_rows = pa.Table.from_arrays(arrays, names=["incoming_position", *columns]).combine_chunks()
    written = io.BytesIO()
    arrow_csv.write_csv(table_of_rows, written, WRITTEN)
    return written.getvalue()


def from_csv(text: bytes, columns: Mapping[str, str]) -> pd.DataFrame:
    """The frame of this shape behind a COPY TO STDOUT (FORMAT csv)."""
    if not text:
        return empty(columns)
    table = arrow_csv.read_csv(
        io.BytesIO(text),
        # one block, since a row that is longer than a block cannot be read
        read_options=arrow_csv.ReadOptions(
            column_names=list(columns), block_size=min(max(len(text), SMALLEST_BLOCK), LARGEST_BLOCK)
        ),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: ARROW_TYPES[dtype] for name, dtype in columns.items()},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    frame = table.to_pandas()
    for name in (name for name, dtype in columns.items() if dtype == JSON):
        frame[name] = pd.Series(from_json("[" + ",".join(frame[name]) + "]"), dtype=object)
    return conform(frame, columns)
