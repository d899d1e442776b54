"""Taking one customer's rows out of snapshot files, each of which gets a tombstone (`tombstones.py`)."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from journey_pipelines.engine.frame_snapshot import repeated_in
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.file_snapshot import CUSTOMER, MEND
from journey_pipelines.snapshots.files import replacing
from journey_pipelines.snapshots.layout import Layout, write_parts
from journey_pipelines.snapshots.parquet import gives_id
from journey_pipelines.snapshots.tombstones import TOMBSTONE_KEY, Tombstone

ID_KEY: Final = b"snapshot_id"


def files_naming(root: Path, customer_id: str) -> dict[Path, int]:
    """The snapshot files below the folder that have rows of the customer, superseded ones too, and how many."""
    counts = ((path, _rows_of(path, customer_id)) for path in snapshot_files(root))
    return {path: count for path, count in counts if count}


def snapshot_files(root: Path) -> Iterator[Path]:
    """Every Parquet file below the folder, in order."""
    return iter(sorted(root.rglob("*.parquet"))) if root.is_dir() else iter(())


def erase(path: Path, customer_id: str) -> int:
    """Rewrite the file without the customer's rows, whole or not at all; returns how many rows went.

    Raises SnapshotError where the file cannot be read or written, or where its other rows were changed since its last
    tombstone.
    """
    table = read_table(path)
    metadata = table.schema.metadata or {}
    is_kept = pc.not_equal(table.column(CUSTOMER), customer_id)
    mask = is_kept.fill_null(True).to_numpy(zero_copy_only=False)  # noqa: FBT003 - Arrow's own signature
    removed = int((~mask).sum())
    if removed:
        before = _checked(path, table, metadata)
        rest = table.filter(pa.array(mask)).combine_chunks().replace_schema_metadata(None)
        gone = before.rows_removed + removed
        stone = Tombstone.over(rest, before.snapshot_id, rows_removed=gone, was_whole=before.was_whole)
        named = {ID_KEY: metadata.get(ID_KEY, b""), TOMBSTONE_KEY: json.dumps(asdict(stone)).encode()}
        _write(path, rest.replace_schema_metadata(named), _layout_without(path, mask, rest))
    return removed


def check(path: Path) -> str | None:
    """What is wrong with the rows of a snapshot file that has a tombstone; None if nothing is.

    A file without one is read through, so that the checksums of its pages are compared.
    """
    try:
        table = read_table(path)
        metadata = table.schema.metadata or {}
        stone = Tombstone.read(metadata)
        return None if stone is None else stone.problem(table, str(metadata.get(ID_KEY, b""), "utf-8"))
    except SnapshotError as error:
        return str(error)
    except ValueError:
        return "its tombstone cannot be read"


def is_marked(path: Path) -> bool:
    """Whether the file lost rows to an erasure."""
    try:
        return TOMBSTONE_KEY in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        return False


def read_table(path: Path) -> Any:
    """All rows of a file. Raises SnapshotError for one that is damaged."""
    try:
        return pq.read_table(path, partitioning=None, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise SnapshotError(f"{path} cannot be read: {str(error).splitlines()[0]}. {MEND}") from error


def _checked(path: Path, table: Any, metadata: Any) -> Tombstone:
    """The tombstone so far, or the one of a file that has lost nothing yet."""
    snapshot_id = str(metadata.get(ID_KEY, b""), "utf-8")
    try:
        stone = Tombstone.read(metadata)
    except ValueError as error:
        raise SnapshotError(f"{path}: its tombstone cannot be read. {MEND}") from error
    if stone is None:
        return Tombstone.over(table, snapshot_id, rows_removed=0, was_whole=gives_id(path, snapshot_id))
    problem = stone.problem(table, snapshot_id)
    if problem is not None:
        raise SnapshotError(f"{path}: {problem}. {MEND}")
    return stone


def _layout(path: Path) -> Layout | None:
    file = pq.ParquetFile(path)
    groups = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
    return Layout.read(file.schema_arrow.metadata or {}, row_groups=groups)


def _layout_without(path: Path, is_kept: Any, rest: Any) -> Layout | None:
    layout = _layout(path)
    if layout is None:
        return None
    part = np.repeat(np.arange(len(layout.rows)), layout.rows)
    rows = np.bincount(part[is_kept], minlength=len(layout.rows))
    return replace(layout, rows=tuple(rows.tolist()), repeated=repeated_in(rest.column(CUSTOMER).to_pandas()))


def _write(path: Path, table: Any, layout: Layout | None) -> None:
    try:
        with replacing(path) as unfinished:
            if layout is None:
                pq.write_table(table, unfinished, write_page_checksum=True)
            else:
                write_parts(table, layout, unfinished)
            problem = check(unfinished)
            if problem is not None:
                raise SnapshotError(f"{path} could not be written without those rows: {problem}. It is as it was.")
    except OSError as error:
        raise SnapshotError(f"{path} cannot be written: {error}. Mend that and forget the customer again.") from error


def _rows_of(path: Path, customer_id: str) -> int:
    try:
        file = pq.ParquetFile(path)
        if CUSTOMER not in file.schema_arrow.names:
            return 0
        column = file.read(columns=[CUSTOMER], use_threads=False).column(CUSTOMER)
        return int(pc.sum(pc.equal(column.cast(pa.large_string()), customer_id)).as_py() or 0)
    except (OSError, pa.ArrowException) as error:
        raise SnapshotError(f"{path} cannot be read: {str(error).splitlines()[0]}. {MEND}") from error
