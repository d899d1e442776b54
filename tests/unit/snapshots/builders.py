"""Small warehouses of a few literal rows, and small frames."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from journey_pipelines.snapshots.warehouse import Warehouse

DAY = date(2017, 3, 1)
AS_OF = datetime(2017, 3, 1, 23, 59, 59, 999999, tzinfo=UTC)
SINCE = datetime(2017, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)


def small_warehouse(folder: Path, **queries: str) -> Warehouse:
    """An empty DuckDB file with the given queries; `segments__vip` stands for `segments/vip.sql`."""
    path = folder / "small.duckdb"
    duckdb.connect(str(path)).close()
    for key, sql in queries.items():
        name = key.replace("__", "/")
        file = folder / "sql" / f"{name}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"-- name: {file.stem}\n-- purpose: A test.\n{sql}\n")
    return Warehouse(f"duckdb:///{path}", folder / "sql")


def customers(*ids: str) -> pd.DataFrame:
    """A segment snapshot."""
    return pd.DataFrame({"customer_id": pd.Series(ids, dtype="str")})


def features(*ids: str, **columns: list[object]) -> pd.DataFrame:
    """A feature snapshot with the given columns."""
    return customers(*ids).assign(**columns)


def damage(path: Path, *, row_group: int, column: str) -> None:
    """Change one byte in a column of one row group of a Parquet file."""
    metadata = pq.read_metadata(path)
    chunk = metadata.row_group(row_group).column(metadata.schema.to_arrow_schema().names.index(column))
    begin = chunk.data_page_offset if chunk.dictionary_page_offset is None else chunk.dictionary_page_offset
    content = bytearray(path.read_bytes())
    content[begin + chunk.total_compressed_size - 2] ^= 0xFF
    path.write_bytes(bytes(content))
