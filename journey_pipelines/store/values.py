"""Values that every store accepts, and refuses in the same words: text without NUL, JSON that survives a round trip."""

import operator
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic_core import PydanticSerializationError, from_json, to_json

from journey_pipelines.engine.bands import Forecast
from journey_pipelines.engine.frames import EXECUTIONS, JSON, TEXT, conform
from journey_pipelines.engine.states import ENDED
from journey_pipelines.errors import StoreError

ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
NUMPY_SCALAR: Final = operator.methodcaller("item")


def storable(frame: pd.DataFrame, columns: Mapping[str, str], *, table: str) -> pd.DataFrame:
    """The frame in its table's shape, its JSON values copied. Raises StoreError for a value that no store can keep."""
    shaped = textual(frame, columns, table=table)
    for name in (name for name, dtype in columns.items() if dtype == JSON):
        shaped[name] = pd.Series(copied(shaped[name].tolist(), column=f"{table}.{name}"), dtype=object)
    return shaped


def textual(frame: pd.DataFrame, columns: Mapping[str, str], *, table: str) -> pd.DataFrame:
    """The frame in its table's shape, its text checked, its JSON values as they came."""
    try:
        shaped = conform(frame, columns)
    except KeyError as error:
        message = f"rows for {table} lack the column {error.args[0]}; every row needs a value there"
        raise StoreError(message) from error
    except (TypeError, ValueError) as error:
        message = f"rows for {table} have values of a wrong type ({error}); see engine/frames.py for its columns"
        raise StoreError(message) from error
    _refuse_nul([name for name, dtype in columns.items() if dtype == TEXT], shaped, table)
    return shaped


def storable_executions(executions: pd.DataFrame) -> pd.DataFrame:
    """EXECUTIONS as `storable`, refused where `check_ends` does."""
    shaped = storable(executions, EXECUTIONS, table="executions")
    check_ends(shaped)
    return shaped


def check_ends(executions: pd.DataFrame) -> None:
    """Raises StoreError for an end without its time, and for the time, outcome or failure of one that has not ended."""
    has_ended = executions["state"].isin(ENDED)
    is_wrong = has_ended != executions["ended_at"].notna()
    is_wrong |= ~has_ended & (executions["outcome"].notna() | executions["failure"].notna())
    if is_wrong.any():
        wrong = executions[is_wrong].iloc[0]
        told = ", ".join(f"{name} {wrong[name]}" for name in ("ended_at", "outcome", "failure"))
        message = (
            f"execution {wrong['execution_id']} is {wrong['state']} with {told}; "
            "a COMPLETED or FAILED one has an ended_at, another one has none of them"
        )
        raise StoreError(message)


def check_keys(dispatches: pd.DataFrame) -> None:
    """Raises StoreError for a dispatch whose key is not that of its execution, node and visit."""
    ids, nodes, keys = (
        pa.array(dispatches[name], type=pa.large_string()) for name in ("execution_id", "node_id", "key")
    )
    visits = pa.array(dispatches["visit"].to_numpy()).cast(pa.large_string())
    right = pa.compute.binary_join_element_wise(ids, nodes, visits, pa.scalar(":", pa.large_string()))
    is_right = pa.compute.equal(keys, right).fill_null(False).to_numpy(zero_copy_only=False)  # noqa: FBT003
    if not is_right.all():
        place = int(np.flatnonzero(~is_right)[0])
        found, expected = dispatches["key"].iloc[place], right[place]
        raise StoreError(f"a dispatch has the key {found}, expected {expected}: its execution, node and visit")


def detached(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The rows as a copy whose JSON values are the caller's own."""
    own = frame.reset_index(drop=True)
    for name in (name for name, dtype in columns.items() if dtype == JSON):
        own[name] = pd.Series(from_json(to_json(own[name].tolist())), dtype=object)
    return own


def copied(values: Sequence[Any], *, column: str) -> list[Any]:
    """The JSON values as any store gives them back. Raises StoreError for what JSON cannot hold."""
    try:
        text = to_json(values, fallback=NUMPY_SCALAR)
        copies: list[Any] = from_json(text, allow_inf_nan=False)
    except (PydanticSerializationError, ValueError) as error:
        message = f"{column} holds a value that is not JSON ({error}); store only finite numbers, text, lists and maps"
        raise StoreError(message) from error
    if b"\\u0000" in text and ESCAPED_NUL.search(text):
        raise StoreError(_nul_message(column))
    return copies


def json_texts(values: Sequence[Any], *, column: str) -> list[bytes]:
    """Each JSON value as text. Raises StoreError for what JSON cannot hold."""
    if not any(values) and set(map(type, values)) <= {dict}:
        return [b"{}"] * len(values)
    copied(values, column=column)
    return [to_json(value, fallback=NUMPY_SCALAR) for value in values]


def hash_of(salt: str, address: str) -> str:
    """How suppression lists write the address of somebody who was forgotten."""
    return f"sha256:{sha256((salt + address).encode()).hexdigest()}"


def _nul_message(column: str) -> str:
    return f"{column} holds a NUL character, which Postgres cannot store; remove it at its source"


def _refuse_nul(names: Sequence[str], frame: pd.DataFrame, table: str) -> None:
    for name in names:
        if _may_hold_nul(frame[name]) and frame[name].str.contains("\x00", regex=False, na=False).any():
            raise StoreError(_nul_message(f"{table}.{name}"))


def _may_hold_nul(column: pd.Series) -> bool:
    """Whether there is such a byte in the memory of its texts, which is looked through as a whole."""
    array = pa.array(column, type=pa.large_string())
    pieces = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    memory = [piece.buffers()[2] for piece in pieces]
    return any(buffer is not None and not np.frombuffer(buffer, dtype=np.uint8).all() for buffer in memory)


def unpublished(forecast: Forecast) -> str:
    """What is wrong with a forecast of a version that does not exist."""
    name = f"journey {forecast.journey_key}"
    return f"{name} has no version {forecast.version}, of which a forecast could be kept; publish it first"
