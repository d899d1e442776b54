"""How the rows of a large snapshot lie in its file: in parts, each a range of shards and a row group of its own.

A file with a layout is read by customer (`file_snapshot.py`); one without is a single part.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from journey_pipelines.engine.facts import Repeated
from journey_pipelines.engine.shards import SHARDS, shard_of

LAYOUT_KEY: Final = b"layout"
ROWS_OF_A_PART: Final = 65_536  # about; the number of parts is a power of two
_PROBE: Final = ("", "a", "c000000001", "Zoë")


@dataclass(frozen=True)
class Layout:
    """Rows of each part, in the order of shards, and who has more than one row."""

    rows: tuple[int, ...]
    repeated: Repeated | None

    @property
    def row_groups(self) -> list[int]:
        """Rows of each row group: a part without rows has none."""
        return [rows for rows in self.rows if rows]

    def encoded(self) -> bytes:
        """For the metadata of the file."""
        return json.dumps({**asdict(self), "probe": _probe()}).encode()

    @staticmethod
    def read(metadata: Mapping[bytes, bytes], row_groups: Sequence[int]) -> "Layout | None":
        """What a file with so many rows in each row group says of itself.

        None where it says nothing, was laid out by another hash, or was written again by another program in another
        way: then nobody knows where a customer is.
        """
        try:
            said = json.loads(metadata[LAYOUT_KEY])
            repeated = None if said["repeated"] is None else Repeated(**said["repeated"])
            layout = Layout(tuple(said["rows"]), repeated)
            is_so = said["probe"] == _probe() and layout.row_groups == [rows for rows in row_groups if rows]
            return layout if is_so and SHARDS % len(layout.rows) == 0 else None
        except (KeyError, ValueError, TypeError, ZeroDivisionError):
            return None


def _probe() -> list[int]:
    return [int(shard) for shard in shard_of(_PROBE)]


def laid_out(table: Any, repeated: Repeated | None, *, rows_of_a_part: int = ROWS_OF_A_PART) -> tuple[Any, Layout]:
    """The rows by part, in their order within each, and the layout."""
    parts = 1
    while parts < SHARDS and table.num_rows > parts * rows_of_a_part:
        parts *= 2
    if parts == 1:
        return table, Layout((table.num_rows,), repeated)
    part = shard_of(table.column("customer_id").to_pandas()) // (SHARDS // parts)
    rows = np.bincount(part, minlength=parts)
    return table.take(pa.array(np.argsort(part, kind="stable"))), Layout(tuple(rows.tolist()), repeated)


def write_parts(table: Any, layout: Layout, path: Path) -> None:
    """Write a file in which each part that is not empty is a row group."""
    schema = table.schema.with_metadata({**(table.schema.metadata or {}), LAYOUT_KEY: layout.encoded()})
    with pq.ParquetWriter(path, schema, write_page_checksum=True) as writer:
        first = 0
        for rows in layout.row_groups:
            writer.write_table(table.slice(first, rows).replace_schema_metadata(schema.metadata), row_group_size=rows)
            first += rows
