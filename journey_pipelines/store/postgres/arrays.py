"""Numbers, times and texts of many rows to and from Postgres' binary formats, as whole numpy and Arrow arrays.

Belongs here: the array format (a header of 20 bytes, then length and value for each element; `array_send` in Postgres'
source) and that of COPY (FORMAT binary). An infinite time is NaT. Nulls are known where columns are to be copied only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

from journey_pipelines.engine.frames import TIME

HEADER: Final = 20
EPOCH: Final = np.datetime64("2000-01-01", "us")
NEVER: Final = np.iinfo(np.int64).max
COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TAIL: Final = b"\xff\xff"
CONTINUES: Final = 1  # lower bound of an array's only dimension

Places = npt.NDArray[np.void]  # ctids: block (4 bytes) and offset (2)
Numbers = npt.NDArray[np.signedinteger[Any]]
Times = npt.NDArray[np.datetime64]
Column = Any  # a numpy array of numbers, Sparse, or big strings of Arrow


def numbers(raw: bytes | None, size: int) -> Numbers:
    """The elements of an array of integers of so many bytes."""
    return np.asarray(_elements(raw, f">i{size}", size).astype(f"i{size}"))


def places(raw: bytes | None) -> Places:
    """The elements of an array of ctids."""
    return np.asarray(_elements(raw, "V6", 6))


def times(raw: bytes | None) -> Times:
    """The elements of an array of timestamptz; NaT where infinite."""
    counts = numbers(raw, 8)
    found = EPOCH + counts.view("timedelta64[us]")
    found[counts == NEVER] = np.datetime64("NaT")
    return found


def texts(characters: bytes | None, lengths: Numbers) -> pa.Array:
    """Texts that lie behind one another, by their lengths in bytes."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return pa.LargeStringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(characters or b""))


def counts(values: Times) -> Numbers:
    """Times as timestamptz counts them; infinite where NaT."""
    found = (values.astype("datetime64[us]") - EPOCH).view(np.int64)
    return np.where(np.isnat(values), NEVER, found)


def instants(column: Any) -> Times:
    """A TIME column as UTC instants without a zone."""
    assert str(column.dtype) == TIME
    return np.asarray(column.array.view("i8")).view("datetime64[us]")


def _elements(raw: bytes | None, dtype: str, size: int) -> Any:
    if raw is None:
        return np.empty(0, dtype=dtype)
    layout = np.dtype([("length", ">i4"), ("value", dtype)])
    assert layout.itemsize == 4 + size
    return np.frombuffer(raw, dtype=layout, offset=HEADER)["value"]


class BigInts:
    """A bigint[] parameter."""

    oid = 1016
    element = 20

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self.raw = _array(values.astype(">i8").view("V8"), self.element)


class Tids:
    """A tid[] parameter."""

    oid = 1010
    element = 27

    def __init__(self, values: Places) -> None:
        self.raw = _array(values, self.element)


def _array(values: npt.NDArray[np.void], element: int) -> bytes:
    layout = np.dtype([("length", ">i4"), ("value", values.dtype)])
    made = np.empty(len(values), dtype=layout)
    made["length"], made["value"] = values.dtype.itemsize, values
    head = np.array([1, 0, element, len(values), CONTINUES], dtype=">i4")
    return head.tobytes() + made.tobytes()


class _RawDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer | None:
        raw: bytes = obj.raw
        return raw


class _BigIntsDumper(_RawDumper):
    oid = BigInts.oid


class _TidsDumper(_RawDumper):
    oid = Tids.oid


def register(connection: "psycopg.Connection[Any]") -> None:
    """Let statements of this connection take these parameters."""
    connection.adapters.register_dumper(BigInts, _BigIntsDumper)
    connection.adapters.register_dumper(Tids, _TidsDumper)


@dataclass(frozen=True, eq=False)
class Sparse:
    """Numbers to be copied, null in some rows."""

    values: Numbers
    is_null: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)


def copy_bytes(columns: Sequence[Column]) -> bytes:
    """Rows for COPY (FORMAT binary), in their order: numpy columns of numbers, Sparse ones, big strings of Arrow."""
    widths = [_lengths(column) for column in columns if _varies(column)]
    if not widths:
        return b"".join([COPY_HEAD, _records(columns, np.arange(len(columns[0])), []), COPY_TAIL])
    kind, first = _kinds(widths)
    order = np.argsort(kind, kind="stable")
    ends = np.cumsum(np.bincount(kind, minlength=len(first)))
    parts = [
        _records(columns, rows, [int(lengths[one]) for lengths in widths])
        for rows, one in zip(np.split(order, ends[:-1]), first.tolist(), strict=True)
        if len(rows)
    ]
    return b"".join([COPY_HEAD, _reordered(parts, kind, order), COPY_TAIL])


def _varies(column: Column) -> bool:
    """Whether a value of the column may have another width than the next one."""
    return isinstance(column, pa.Array | Sparse)


def _lengths(column: Column) -> Numbers:
    """Bytes of each value; -1 for null."""
    if isinstance(column, Sparse):
        return np.where(column.is_null, -1, column.values.dtype.itemsize)
    return np.asarray(pa.compute.binary_length(column).fill_null(-1).to_numpy()).astype(np.int64)


def _kinds(widths: Sequence[Numbers]) -> tuple[Numbers, Numbers]:
    """For each row a number, equal where all widths are; and a row of each number. Such rows have one layout."""
    kind = np.zeros(len(widths[0]), dtype=np.int64)
    for lengths in widths:
        span = int(lengths.max(initial=-1)) + 2
        _, first, kind = np.unique(kind * span + lengths + 1, return_index=True, return_inverse=True)
    return kind, first


def _reordered(parts: Sequence[bytes], kind: Numbers, order: Numbers) -> Buffer:
    """The records, which lie kind by kind, in the order of their rows."""
    if len(parts) == 1:
        return parts[0]
    width = np.array([len(part) for part in parts]) // np.bincount(kind)
    records = texts(b"".join(parts), width[kind[order]])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    _, offsets, characters = records.take(pa.array(place)).buffers()
    return memoryview(characters)[: int(np.frombuffer(offsets, dtype=np.int64, count=len(order) + 1)[-1])]


def _records(columns: Sequence[Column], rows: Any, sizes: Sequence[int]) -> bytes:
    remaining = iter(sizes)
    widths = [next(remaining) if _varies(column) else column.dtype.itemsize for column in columns]
    values = [column.values if isinstance(column, Sparse) else column for column in columns]
    fields: list[Any] = [("fields", ">i2")]
    for number, (column, width) in enumerate(zip(values, widths, strict=True)):
        fields.append((f"length{number}", ">i4"))
        if width > 0:
            value = f"S{width}" if isinstance(column, pa.Array) else column.dtype.newbyteorder(">").str
            fields.append((f"value{number}", value))
    made = np.empty(len(rows), dtype=np.dtype(fields))
    made["fields"] = len(columns)
    for number, (column, width) in enumerate(zip(values, widths, strict=True)):
        made[f"length{number}"] = width
        if width > 0:
            made[f"value{number}"] = _characters(column, rows, width) if isinstance(column, pa.Array) else column[rows]
    return made.tobytes()


def _characters(column: pa.Array, rows: Any, width: int) -> npt.NDArray[np.bytes_]:
    """The bytes of these texts, all of one length."""
    picked = column.take(pa.array(rows))
    start = picked.offset
    offsets = np.frombuffer(picked.buffers()[1], dtype=np.int64)
    first = int(offsets[start])
    return np.frombuffer(picked.buffers()[2], dtype=f"S{width}", count=len(rows), offset=first)
