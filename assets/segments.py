"""Segment snapshots: who belongs to each segment at the end of a day."""

from collections.abc import Iterator, Mapping

import dagster as dg

from assets.lineage import column_lineage, table_keys
from assets.ownership import MARKETING_TEAM
from assets.partitions import daily, partition_day
from assets.reports import Materialization, snapshot_result
from assets.versions import query_version
from journey_pipelines.snapshots.build import build_segment
from journey_pipelines.snapshots.parquet import SnapshotStore
from journey_pipelines.snapshots.queries import Query
from journey_pipelines.snapshots.warehouse import Warehouse


def segment_key(name: str) -> dg.AssetKey:
    """The asset of a segment."""
    return dg.AssetKey(["segments", name])


def make_segments(queries: Mapping[str, Query]) -> dg.AssetsDefinition:
    """One asset for each segment query (by the segment's name), materialised in one step: a step costs more than it."""
    specs = [
        dg.AssetSpec(
            segment_key(name),
            deps=table_keys(query),
            description=query.purpose,
            group_name="segments",
            kinds={"parquet"},
            owners=[MARKETING_TEAM],
            tags={"domain": "audience"},
            code_version=query_version(query),
            partitions_def=daily,
        )
        for name, query in queries.items()
    ]

    @dg.multi_asset(specs=specs, name="segments", can_subset=True)
    def segments(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        snapshots: dg.ResourceParam[SnapshotStore],
    ) -> Iterator[Materialization]:
        """Materialise the selected segments of one day."""
        for name, query in queries.items():
            key = segment_key(name)
            if key in context.selected_asset_keys:
                stored = build_segment(warehouse, snapshots, partition_day(context), name)
                yield snapshot_result(stored, key, more=column_lineage(query, warehouse, is_segment=True))

    return segments
