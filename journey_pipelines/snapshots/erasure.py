"""Taking one customer's rows out of snapshot files, with a tombstone that says so in the file's metadata.

A snapshot keeps its id, a hash of all its rows, so that what moves and guards recorded goes on to name it. That hash
cannot be made again without the rows that went; in its place the tombstone holds one of those that remain, sealed
together with the id.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from journey_pipelines.engine.frame_snapshot import repeated_in
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.contents import digest_of
from journey_pipelines.snapshots.file_snapshot import CUSTOMER, MEND
from journey_pipelines.snapshots.files import replacing
from journey_pipelines.snapshots.layout import Layout, write_parts

ID_KEY: Final = b"snapshot_id"
TOMBSTONE_KEY: Final = b"tombstone"


@dataclass(frozen=True)
class Tombstone:
    """What a file that lost rows says of those that remain."""

    snapshot_id: str
    rows_removed: int
    rest: str  # SHA-256 of the rows that remain, in their order
    seal: str

    @staticmethod
    def over(table: Any, snapshot_id: str, *, rows_removed: int) -> "Tombstone":
        """The tombstone of these remaining rows."""
        rest = digest_of(table)
        return Tombstone(snapshot_id, rows_removed, rest, _seal(snapshot_id, rows_removed, rest))

    @staticmethod
    def read(metadata: Any) -> "Tombstone | None":
        """What a file's metadata says; None for a file that lost no row. Raises ValueError for an unreadable one."""
        if TOMBSTONE_KEY not in (metadata or {}):
            return None
        return Tombstone(**json.loads(metadata[TOMBSTONE_KEY]))

    def problem(self, table: Any, snapshot_id: str) -> str | None:
        """What is wrong with the remaining rows of the snapshot with this id; None if nothing is."""
        if self.snapshot_id != snapshot_id:
            return f"its tombstone is of {self.snapshot_id}, not of {snapshot_id}"
        if self.seal != _seal(self.snapshot_id, self.rows_removed, self.rest):
            return "its tombstone was changed"
        return None if self.rest == digest_of(table) else "its rows are not those that its tombstone was made for"


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
        stone = Tombstone.over(rest, before.snapshot_id, rows_removed=before.rows_removed + removed)
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
    except (ValueError, TypeError):
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
    except (ValueError, TypeError) as error:
        raise SnapshotError(f"{path}: its tombstone cannot be read. {MEND}") from error
    if stone is None:
        return Tombstone.over(table, snapshot_id, rows_removed=0)
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


def _seal(snapshot_id: str, rows_removed: int, rest: str) -> str:
    return hashlib.sha256(f"{snapshot_id}\n{rows_removed}\n{rest}".encode()).hexdigest()
