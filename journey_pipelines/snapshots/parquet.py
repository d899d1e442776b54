"""Daily partitions as Parquet files, whole or absent, each with an id of date and content."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from journey_pipelines.engine.facts import Snapshot
from journey_pipelines.engine.frame_snapshot import FrameSnapshot, repeated_in
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.checks import check_customers
from journey_pipelines.snapshots.file_snapshot import MEND, FileSnapshot
from journey_pipelines.snapshots.files import replacing
from journey_pipelines.snapshots.layout import ROWS_OF_A_PART, Layout, laid_out, write_parts
from journey_pipelines.snapshots.tables import ColumnTypeError, frame_of, table_from

FEATURES: Final = "features"
RAW_FEATURES: Final = "features_raw"
PROFILES: Final = "profiles"
EVENTS: Final = "events"
PREDICTIONS: Final = "predictions/churn"
SEGMENTS: Final = "segments"

MAY_REPEAT: Final = frozenset({FEATURES, RAW_FEATURES, EVENTS})  # kinds that may hold a customer twice
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_ID: Final = re.compile(r"(?P<kind>[^@]+)@(?P<day>\d{4}-\d\d-\d\d)@(?P<content>[0-9a-f]{16})")
_ID_KEY: Final = b"snapshot_id"


@dataclass(frozen=True)
class StoredSnapshot:
    """A partition that was written: its id, its rows, and how many of them repeat a customer."""

    snapshot_id: str
    kind: str
    snapshot_date: date
    rows: int
    duplicate_customers: int
    path: Path


class SnapshotStore:
    """A folder with one file for each kind and day, such as `features/2017-03-01.parquet`.

    Kinds are `features_raw`, `features`, `profiles`, `events`, `predictions/churn` and `segments/<name>`. A partition
    that is written again with other rows moves its old file to `superseded/`, so that a journey which accepted the
    old snapshot can still be compared with it. `rows_of_a_part` is about how many rows lie together (see `layout.py`).
    """

    def __init__(self, root: Path, *, rows_of_a_part: int = ROWS_OF_A_PART) -> None:
        self.root = root
        self._rows_of_a_part = rows_of_a_part

    def path(self, kind: str, day: date) -> Path:
        """Where the partition is kept. Raises SnapshotError for a kind that cannot be a folder's name."""
        return self._folder(kind) / f"{day.isoformat()}.parquet"

    def write(self, kind: str, day: date, frame: pd.DataFrame) -> StoredSnapshot:
        """Write the partition, whole or not at all; equal rows give the same id and leave the file alone.

        Raises SnapshotError, before anything is written, for a frame without usable customer ids.
        """
        path = self.path(kind, day)
        name = f"Snapshot {kind} of {day}"
        check_customers(frame, name, SnapshotError, is_unique=kind not in MAY_REPEAT)
        try:
            table = table_from(_texts(frame))
        except ColumnTypeError as error:
            raise SnapshotError(f"{name} cannot be kept: {error}. Cast that column in the query.") from error
        snapshot_id = f"{kind}@{day.isoformat()}@{_content(table)}"
        if self._id_at(path) != snapshot_id:
            # events keep their order: nobody looks them up by customer here
            rows, layout = (table, None) if kind == EVENTS else self._laid_out(table, frame["customer_id"])
            self._replace(path, rows.replace_schema_metadata({_ID_KEY: snapshot_id.encode()}), layout, name)
        repeated = int(frame["customer_id"].duplicated().sum())
        return StoredSnapshot(snapshot_id, kind, day, len(frame), repeated, path)

    def _laid_out(self, table: Any, customers: pd.Series) -> tuple[Any, Layout]:
        return laid_out(table, repeated_in(customers), rows_of_a_part=self._rows_of_a_part)

    def read(self, kind: str, day: date) -> FrameSnapshot:
        """The whole partition. Raises SnapshotError where it is missing, cut off, or another's file."""
        return _read(self._existing(kind, day), kind, day)

    def open(self, kind: str, day: date) -> Snapshot:
        """The partition, of which only what is asked for will be read. Raises SnapshotError as `read` does."""
        return _open(self._existing(kind, day), kind, day)

    def _existing(self, kind: str, day: date) -> Path:
        path = self.path(kind, day)
        if not path.is_file():
            raise SnapshotError(f"There is no snapshot {kind} of {day} ({path}); materialise that partition first.")
        return path

    def open_id(self, snapshot_id: str) -> Snapshot:
        """The snapshot with exactly this id, also when its partition was written again since; see `open`."""
        return _open(*self._find(snapshot_id))

    def _find(self, snapshot_id: str) -> tuple[Path, str, date]:
        """File, kind and day of the snapshot with this id."""
        named = _ID.fullmatch(snapshot_id)
        day = None if named is None else _day(named["day"])
        if named is None or day is None:
            raise SnapshotError(f"{snapshot_id!r} is no snapshot id; expected kind@YYYY-MM-DD@content.")
        kind = named["kind"]
        path = self.path(kind, day)
        for candidate in (path, _superseded(path, snapshot_id)):
            if self._id_at(candidate) == snapshot_id:
                return candidate, kind, day
        raise SnapshotError(
            f"Snapshot {snapshot_id} is gone: {path} {'holds other rows' if path.is_file() else 'does not exist'}. "
            "Materialise that partition from the same data again, or release the journey with `journeys approve`."
        )

    def is_unchanged(self, snapshot_id: str) -> bool:
        """Whether the rows that are kept under this id still have the content that it names; reads the whole file.

        Rows that lie in parts are hashed by customer id, the order in which the warehouse gives them. Raises
        SnapshotError where there is no such snapshot.
        """
        path, kind, day = self._find(snapshot_id)
        frame = _read(path, kind, day).frame
        content = snapshot_id.rsplit("@", 1)[-1]
        if _content(table_from(_texts(frame))) == content:
            return True
        by_customer = frame.sort_values("customer_id", kind="stable", ignore_index=True)
        return _content(table_from(_texts(by_customer))) == content

    def days(self, kind: str) -> list[date]:
        """Dates of all partitions of a kind, oldest first."""
        found = (_day(path.stem) for path in self._folder(kind).glob("*.parquet"))
        return sorted(day for day in found if day is not None)

    def newest(self, kind: str, on_or_before: date) -> date | None:
        """Date of the newest partition of a kind that is not later than the day, or None."""
        return max((day for day in self.days(kind) if day <= on_or_before), default=None)

    def segments(self) -> list[str]:
        """Names of the segments that have at least one partition, sorted."""
        folder = self.root / SEGMENTS
        if not folder.is_dir():
            return []
        return sorted(
            path.name for path in folder.iterdir() if _NAME.fullmatch(path.name) and any(path.glob("*.parquet"))
        )

    def _folder(self, kind: str) -> Path:
        parts = kind.split("/")
        if len(parts) > 2 or not all(_NAME.fullmatch(part) for part in parts):
            raise SnapshotError(
                f"{kind!r} cannot name a snapshot; letters, digits, '_' and '-' are allowed. Rename the segment."
            )
        return self.root.joinpath(*parts)

    def _id_at(self, path: Path) -> str | None:
        """The id that a file carries; None where there is no readable file."""
        try:
            return str((pq.read_schema(path).metadata or {})[_ID_KEY], "utf-8")
        except (OSError, pa.ArrowException, KeyError):
            return None

    def _replace(self, path: Path, table: Any, layout: Layout | None, name: str) -> None:
        try:
            replaced = self._id_at(path)
            if replaced is not None:
                with replacing(_superseded(path, replaced)) as copy:
                    shutil.copyfile(path, copy)
            with replacing(path) as unfinished:
                if layout is None:
                    pq.write_table(table, unfinished, write_page_checksum=True)
                else:
                    write_parts(table, layout, unfinished)
        except OSError as error:
            raise SnapshotError(f"{name} cannot be written to {path}: {error}. Mend that and run again.") from error


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _superseded(path: Path, snapshot_id: str) -> Path:
    content = snapshot_id.rsplit("@", 1)[-1]
    return path.parent / "superseded" / f"{path.stem}@{content}.parquet"


def _content(table: Any) -> str:
    """A hash of names, types and values, which depends neither on compression nor on the Parquet writer."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()[:16]


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Events keep their data as JSON text: no two need have the same keys."""
    if "data" not in frame or "event_id" not in frame:
        return frame
    encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
    return frame.assign(data=pd.Series([encode(data) for data in frame["data"]], index=frame.index, dtype="str"))


def _read(path: Path, kind: str, day: date) -> FrameSnapshot:
    name = f"Snapshot {kind} of {day} ({path})"
    try:
        table = pq.read_table(path, partitioning=None, page_checksum_verification=True)
        frame = frame_of(table)
    except (OSError, pa.ArrowException, ColumnTypeError) as error:
        raise SnapshotError(f"{name} cannot be read: {str(error).splitlines()[0]}. {MEND}") from error
    snapshot_id = _own_id(table.schema, name, kind, day)
    check_customers(frame, name, SnapshotError, is_unique=False)
    if kind == EVENTS:
        frame["data"] = pd.Series(json.loads(f"[{','.join(frame['data'])}]"), dtype=object)
    return FrameSnapshot(snapshot_id, day, frame)


def _open(path: Path, kind: str, day: date) -> Snapshot:
    name = f"Snapshot {kind} of {day}"
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise SnapshotError(f"{name} ({path}) cannot be read: {str(error).splitlines()[0]}. {MEND}") from error
    return FileSnapshot(path, name=name, snapshot_id=_own_id(schema, f"{name} ({path})", kind, day), snapshot_date=day)


def _own_id(schema: Any, name: str, kind: str, day: date) -> str:
    snapshot_id = str((schema.metadata or {}).get(_ID_KEY, b""), "utf-8")
    if not snapshot_id.startswith(f"{kind}@{day.isoformat()}@"):
        raise SnapshotError(f"{name} carries the id {snapshot_id or 'of no snapshot'!r}, not its own. {MEND}")
    return snapshot_id
