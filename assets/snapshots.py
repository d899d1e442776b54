"""What the warehouse knows of customers at the end of a day: raw features, profiles, events, campaigns."""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from assets.lineage import column_lineage, table_keys
from assets.ownership import DATA_TEAM
from assets.partitions import daily, partition_day, partition_end
from assets.reports import Materialization, frame_schema, snapshot_result
from assets.versions import query_version
from journey_pipelines.composition import Installation
from journey_pipelines.engine.frames import CAMPAIGNS, EVENTS
from journey_pipelines.live import ingest_day, register_campaigns
from journey_pipelines.snapshots.build import build_events, build_profiles, build_raw_features
from journey_pipelines.snapshots.parquet import SnapshotStore
from journey_pipelines.snapshots.queries import Query
from journey_pipelines.snapshots.warehouse import Warehouse


def make_snapshots(queries: Mapping[str, Query]) -> list[dg.AssetsDefinition]:
    """The assets of the queries `features`, `profiles`, `events` and `campaigns`."""

    @_asset("raw_features", queries["features"])
    def raw_features(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        snapshots: dg.ResourceParam[SnapshotStore],
    ) -> Materialization:
        """One row for each customer, before predictions join it."""
        stored = build_raw_features(warehouse, snapshots, partition_day(context))
        return snapshot_result(stored, more=column_lineage(queries["features"], warehouse))

    @_asset("profiles", queries["profiles"])
    def profiles(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        snapshots: dg.ResourceParam[SnapshotStore],
    ) -> Materialization:
        """Addresses, consents and time zones."""
        stored = build_profiles(warehouse, snapshots, partition_day(context))
        return snapshot_result(stored, more=column_lineage(queries["profiles"], warehouse))

    @_asset("events", queries["events"])
    def events(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        snapshots: dg.ResourceParam[SnapshotStore],
    ) -> Materialization:
        """What customers did, as far as it was received on the day."""
        stored = build_events(warehouse, snapshots, partition_day(context))
        return snapshot_result(stored, more=column_lineage(queries["events"], warehouse))

    @_asset("campaigns", queries["campaigns"], kind="postgres", columns=CAMPAIGNS)
    def campaigns(
        context: dg.AssetExecutionContext,
        installation: dg.ResourceParam[Installation],
    ) -> Materialization:
        """The campaigns that an action may trigger, made known to the journey store."""
        added = register_campaigns(installation, as_of=partition_end(context))
        return dg.MaterializeResult(metadata={"dagster/partition_row_count": added})

    return [raw_features, profiles, events, campaigns]


@dg.asset(
    deps=["events"],
    partitions_def=daily,
    group_name="events",
    kinds={"postgres"},
    owners=[DATA_TEAM],
    tags={"domain": "behaviour"},
    code_version="1",
    metadata={"dagster/column_schema": frame_schema(EVENTS)},
)
def event_inbox(context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]) -> Materialization:
    """The day's events in the journey store, where waits and goals find them; each event is there once."""
    added = ingest_day(installation, partition_day(context))
    return dg.MaterializeResult(metadata={"dagster/partition_row_count": added})


_GROUPS: Mapping[str, tuple[str, str]] = {
    "raw_features": ("features", "behaviour"),
    "profiles": ("features", "identity"),
    "events": ("events", "behaviour"),
    "campaigns": ("events", "content"),
}


def _asset(
    name: str, query: Query, *, kind: str = "parquet", columns: Mapping[str, str] | None = None
) -> Callable[[Any], dg.AssetsDefinition]:
    group, domain = _GROUPS[name]
    decorated: Callable[[Any], dg.AssetsDefinition] = dg.asset(
        name=name,
        deps=table_keys(query),
        partitions_def=daily,
        group_name=group,
        kinds={kind},
        owners=[DATA_TEAM],
        tags={"domain": domain},
        code_version=query_version(query),
        metadata={"dagster/column_schema": frame_schema(columns)} if columns else None,
    )
    return decorated
