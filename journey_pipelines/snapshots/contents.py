"""What the rows of a snapshot are, as a hash that a file gives again after it was written and read."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def digest_of(table: Any) -> str:
    """SHA-256 of names, types and values in their order.

    It does not see what lies in memory where a value is missing, which Parquet does not keep.
    """
    digest = hashlib.sha256()
    for field in table.schema:
        digest.update(f"{field.name}\n{field.type}\n{table.num_rows}\n".encode())
        column = table.column(field.name)
        _add(digest, column.combine_chunks() if column.num_chunks != 1 else column.chunk(0))
    return digest.hexdigest()


def _add(digest: Any, values: Any) -> None:
    """Where values are missing, then those that are there; of texts and lists their lengths first."""
    kind = values.type
    digest.update(values.is_valid().to_numpy(zero_copy_only=False).tobytes())
    present = values.drop_null()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        digest.update(_bytes(pc.list_value_length(present)))
        _add(digest, present.flatten())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        digest.update(_bytes(pc.binary_length(present)))
        digest.update(b"".join(present.cast(pa.large_binary()).to_pylist()))
    elif pa.types.is_decimal(kind):
        _add(digest, present.cast(pa.large_string()))
    elif not pa.types.is_null(kind):
        digest.update(_bytes(present))


def _bytes(numbers: Any) -> bytes:
    """Numbers, booleans or times without missing ones, as numpy keeps them."""
    cells: np.ndarray = numbers.to_numpy(zero_copy_only=False)
    return cells.tobytes()
