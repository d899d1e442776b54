"""A snapshot in a Parquet file, of which only the columns and parts are read that somebody asks for."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from journey_pipelines.engine.facts import Repeated
from journey_pipelines.engine.frame_snapshot import repeated_in
from journey_pipelines.engine.frames import TEXT
from journey_pipelines.engine.shards import ALL, Shards, shard_of
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.layout import Layout
from journey_pipelines.snapshots.tables import ColumnTypeError, frame_of, series_of

MEND: Final = "Delete the file and materialise that partition again."
KEPT_BYTES: Final = 16 * 1024**2  # of columns that stay in memory, those that were asked for last
CUSTOMER: Final = "customer_id"

Positions = npt.NDArray[np.int64]


class FileSnapshot:
    """See Snapshot. The file stays open, so that one which takes its place changes nothing here.

    Cells have the types that they would have in a frame of all rows: a column that is null for anybody is one of
    floats, in every part.
    """

    def __init__(self, path: Path, *, name: str, snapshot_id: str, snapshot_date: date) -> None:
        """Raises SnapshotError for a file that is damaged or has other columns than a snapshot."""
        self.snapshot_id = snapshot_id
        self.snapshot_date = snapshot_date
        self._name = f"{name} ({path})"
        with self._reading():
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
            frame_of(self._file.schema_arrow.empty_table())
        groups = self._file.metadata
        self._layout = Layout.read(
            self._file.schema_arrow.metadata or {},
            row_groups=[groups.row_group(number).num_rows for number in range(groups.num_row_groups)],
        )
        rows = (self.rows,) if self._layout is None else self._layout.rows
        self._ends = np.cumsum(rows)
        self._shards_of_a_part = ALL.end // len(rows)
        self._kept: OrderedDict[tuple[str, int], Any] = OrderedDict()
        self._nulls: dict[str, bool] = {}
        self._check_customers()

    @property
    def rows(self) -> int:
        """See Snapshot."""
        return int(self._file.metadata.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """See Snapshot."""
        return tuple(self._file.schema_arrow.names)

    @property
    def parts(self) -> int:
        """See Snapshot."""
        return len(self._ends)

    def positions(self, customer_ids: Any) -> Positions:
        """See Snapshot."""
        codes, distinct = pd.factorize(pd.array(customer_ids, dtype=TEXT))
        wanted = pa.array(distinct, type=pa.large_string())
        found = np.full(len(distinct), -1, dtype=np.int64)
        for part, asked in self._by_part(distinct):
            places = pc.index_in(self._part(CUSTOMER, part), value_set=wanted.take(pa.array(asked)))
            rows = np.flatnonzero(places.is_valid().to_numpy(zero_copy_only=False))
            which = places.drop_null().to_numpy()
            # backwards, so that the first row of a customer is written last
            found[asked[which[::-1]]] = self._first_row(part) + rows[::-1]
        everybody: Positions = found[codes]
        return everybody

    def _by_part(self, customers: Any) -> Iterator[tuple[int, Positions]]:
        """Each part in which some of the customers would be, and which of them."""
        if not len(customers):
            return
        if self.parts == 1:
            yield 0, np.arange(len(customers))
            return
        part = shard_of(customers) // self._shards_of_a_part
        order = np.argsort(part, kind="stable")
        numbers, begins = np.unique(part[order], return_index=True)
        yield from zip(numbers.tolist(), np.split(order, begins[1:]), strict=True)

    def take(self, column: str, positions: Positions) -> Any:
        """See Snapshot."""
        if column not in self.columns or not self.rows:
            return np.full(len(positions), None, dtype=object)
        asked = np.flatnonzero(positions >= 0)
        part = np.searchsorted(self._ends, positions[asked], side="right")
        order = np.argsort(part, kind="stable")
        pieces = []
        for number in np.unique(part).tolist():
            rows = positions[asked[part == number]] - self._first_row(number)
            pieces.append(self._part(column, number).take(pa.array(rows)))
        places = np.full(len(positions), -1, dtype=np.int64)
        places[asked[order]] = np.arange(len(asked))
        return self._cells(column, pieces, places)

    def _cells(self, column: str, pieces: list[Any], places: Positions) -> Any:
        kind = self._file.schema_arrow.field(column).type
        together = pa.concat_arrays(pieces) if pieces else pa.nulls(0, kind)
        cells = together.take(pa.array(places, mask=places < 0))
        if self._may_be_null(column):
            if pa.types.is_integer(kind):
                cells = cells.cast(pa.float64(), safe=False)
            elif pa.types.is_boolean(kind):
                return cells.to_numpy(zero_copy_only=False).astype(object)
        values = series_of(column, pa.chunked_array([cells])).array
        return values.to_numpy() if isinstance(values, pd.arrays.NumpyExtensionArray) else values

    def customers(self, shards: Shards = ALL) -> pd.Index:
        """See Snapshot."""
        first, end = shards.first // self._shards_of_a_part, -(-shards.end // self._shards_of_a_part)
        ids = pa.chunked_array([self._part(CUSTOMER, part) for part in range(first, end)], type=pa.large_string())
        index = pd.Index(pd.array(ids, dtype=TEXT), name=CUSTOMER)
        if (end - first) * self._shards_of_a_part > len(shards):
            index = index[shards.mask(index)]
        return index.unique()

    def repeated(self) -> Repeated | None:
        """See Snapshot."""
        if self._layout is not None:
            return self._layout.repeated
        return repeated_in(series_of(CUSTOMER, pa.chunked_array([self._part(CUSTOMER, 0)])))

    def _first_row(self, part: int) -> int:
        return int(self._ends[part - 1]) if part else 0

    def _part(self, column: str, part: int) -> Any:
        """One column of one part, as an Arrow array; the last ones are kept."""
        key = (column, part)
        if key not in self._kept:
            self._kept[key] = self._read(column, part)
            while len(self._kept) > 1 and sum(values.nbytes for values in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _read(self, column: str, part: int) -> Any:
        with self._reading():
            if self._layout is None or self.parts == 1:
                table = self._file.read(columns=[column], use_threads=False)
            else:
                rows = np.array(self._layout.rows)
                if not rows[part]:
                    table = self._file.schema_arrow.empty_table().select([column])
                else:
                    group = int((rows[:part] > 0).sum())
                    table = self._file.read_row_group(group, columns=[column], use_threads=False)
            values = table.column(column)  # `a.b` is read with `a`
            if pa.types.is_string(values.type):
                values = values.cast(pa.large_string())  # of any length altogether
            return values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)

    def _may_be_null(self, column: str) -> bool:
        """Whether somebody has no value in a column of single values."""
        if column not in self._nulls:
            metadata, place = self._file.metadata, self._places.get(column)
            self._nulls[column] = place is not None and any(
                _has_nulls(metadata.row_group(group).column(place)) for group in range(metadata.num_row_groups)
            )
        return self._nulls[column]

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where each column of single values is in a row group."""
        schema = self._file.schema
        return {schema.column(place).path: place for place in range(len(schema))}

    def _check_customers(self) -> None:
        if CUSTOMER not in self.columns:
            found = ", ".join(self.columns) or "no column at all"
            raise SnapshotError(f"{self._name} has no column customer_id (found: {found}); add it, as text.")
        kind = self._file.schema_arrow.field(CUSTOMER).type
        if self.rows and not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise SnapshotError(f"{self._name} has a customer_id of type {kind}, expected text; cast it in the query.")
        if self._may_be_null(CUSTOMER):
            raise SnapshotError(f"{self._name} has rows without a customer_id; leave them out or give them one.")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException, ColumnTypeError) as error:
            raise SnapshotError(f"{self._name} cannot be read: {str(error).splitlines()[0]}. {MEND}") from error


def _has_nulls(chunk: Any) -> bool:
    """Whether a column of a row group has nulls, or does not say."""
    statistics = chunk.statistics
    return statistics is None or not statistics.has_null_count or statistics.null_count > 0
