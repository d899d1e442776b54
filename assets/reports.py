"""What a materialisation tells of itself: rows, columns, where the file lies."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg
import pyarrow.parquet as pq

from journey_pipelines.snapshots.parquet import StoredSnapshot

if TYPE_CHECKING:
    Materialization: TypeAlias = dg.MaterializeResult[Any]
else:
    # beside checks, Dagster knows the bare class only as an annotation
    Materialization = dg.MaterializeResult


def snapshot_result(
    stored: StoredSnapshot, key: dg.AssetKey | None = None, *, more: Mapping[str, Any] | None = None
) -> Materialization:
    """The materialisation of one partition; its data version is the snapshot's id, so that equal rows are equal."""
    metadata: dict[str, Any] = {
        "dagster/partition_row_count": stored.rows,
        "dagster/column_schema": parquet_schema(stored),
        "snapshot_id": stored.snapshot_id,
        "path": dg.MetadataValue.path(stored.path),
        **(more or {}),
    }
    return dg.MaterializeResult(asset_key=key, metadata=metadata, data_version=dg.DataVersion(stored.snapshot_id))


def parquet_schema(stored: StoredSnapshot) -> dg.TableSchema:
    """Columns and types of the partition's file."""
    return dg.TableSchema([dg.TableColumn(field.name, str(field.type)) for field in pq.read_schema(stored.path)])


def frame_schema(columns: Mapping[str, str]) -> dg.TableSchema:
    """Columns and types of one of the store's frames."""
    return dg.TableSchema([dg.TableColumn(name, dtype) for name, dtype in columns.items()])
