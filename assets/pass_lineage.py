"""Lineage of passes: the snapshots that one read, and which of their columns decided."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.lineage import tables_read
from journey_pipelines.composition import Installation
from journey_pipelines.engine.compute import SnapshotIds
from journey_pipelines.evidence.columns_read import (
    ColumnRead,
    KnownColumns,
    branch_columns,
    entry_columns,
    payload_columns,
)
from journey_pipelines.live import newest_journeys
from journey_pipelines.snapshots.warehouse import Warehouse


def pass_lineage(name: str, read: SnapshotIds | None, installation: Installation) -> dict[str, Any]:
    """Metadata of the pass behind `entries`, `advances` or `deliveries`: the snapshots it read, and their columns.

    Each snapshot with its asset, partition day and warehouse tables; columns by the newest version of each journey.
    """
    if read is None or read.features is None:
        return {}
    records = [dg.TableRecord(_described(snapshot_id, installation.warehouse)) for snapshot_id in _ids(read)]
    lineage = {
        column: [dg.TableColumnDep(_snapshot_key(read_.kind), read_.column) for read_ in sorted(columns)]
        for column, columns in _decided(name, read, installation).items()
    }
    return {"snapshots": dg.MetadataValue.table(records), "dagster/column_lineage": dg.TableColumnLineage(lineage)}


def _decided(name: str, read: SnapshotIds, installation: Installation) -> dict[str, frozenset[ColumnRead]]:
    """Columns of the asset and what they were decided by."""
    snapshots = installation.snapshots
    features = snapshots.open_id(str(read.features)).columns
    known = KnownColumns(features, snapshots.open_id(read.profiles).columns if read.profiles else ())
    journeys = newest_journeys(installation)
    match name:
        case "entries":
            return {"customer_id": entry_columns(journeys, known)}
        case "advances":
            return {"branch": branch_columns(journeys, known)}
        case _:
            return {"payload": payload_columns(journeys, known, installation.catalog)}


def _ids(read: SnapshotIds) -> Iterator[str]:
    yield from filter(None, (read.features, read.profiles))
    yield from (snapshot_id for _, snapshot_id in read.segments)


def _described(snapshot_id: str, warehouse: Warehouse) -> dict[str, str | int | float | bool | None]:
    kind, day, _ = snapshot_id.split("@")
    tables = tables_read(warehouse.query(kind).sql)
    return {"asset": kind, "partition": day, "snapshot_id": snapshot_id, "warehouse_tables": ", ".join(tables)}


def _snapshot_key(kind: str) -> dg.AssetKey:
    return dg.AssetKey(kind.split("/"))
