"""Churn model, churn predictions, and the feature snapshot that journeys read."""

import dagster as dg

from assets.ownership import DATA_TEAM
from assets.partitions import daily, partition_day
from assets.reports import Materialization, parquet_schema, snapshot_result
from journey_pipelines.snapshots.build import build_features, build_predictions
from journey_pipelines.snapshots.churn import INPUTS, model_date
from journey_pipelines.snapshots.models import ModelStore
from journey_pipelines.snapshots.parquet import SnapshotStore, StoredSnapshot
from journey_pipelines.snapshots.warehouse import Warehouse

RAW_FEATURES = dg.AssetKey("raw_features")
PREDICTIONS = dg.AssetKey("churn_predictions")


@dg.asset(
    deps=[RAW_FEATURES],
    partitions_def=daily,
    group_name="features",
    kinds={"scikitlearn"},
    owners=[DATA_TEAM],
    tags={"domain": "prediction"},
    code_version="1",
)
def churn_model(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    models: dg.ResourceParam[ModelStore],
) -> Materialization:
    """Who is not going to buy in the next 28 days; trained each Monday on what was known before it."""
    day = partition_day(context)
    model = models.churn(warehouse, day)
    figures = {"training_rows": model.rows, "share_that_left": model.base_rate, "auc": model.auc}
    known = {name: value for name, value in figures.items() if value is not None}
    return dg.MaterializeResult(
        metadata={
            "method": model.kind,
            "trained_as_of": model.trained_as_of.isoformat(),
            "path": dg.MetadataValue.path(models.path(model_date(day))),
            **known,
        },
        data_version=dg.DataVersion(f"{model.trained_as_of.isoformat()}@{model.fingerprint}"),
    )


@dg.asset(
    deps=[churn_model, RAW_FEATURES],
    partitions_def=daily,
    group_name="features",
    kinds={"parquet", "scikitlearn"},
    owners=[DATA_TEAM],
    tags={"domain": "prediction"},
    code_version="1",
    metadata={
        "dagster/column_lineage": dg.TableColumnLineage(
            {"churn_risk": [dg.TableColumnDep(RAW_FEATURES, name) for name in INPUTS]}
        )
    },
)
def churn_predictions(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    models: dg.ResourceParam[ModelStore],
    snapshots: dg.ResourceParam[SnapshotStore],
) -> Materialization:
    """The churn risk of each customer, from 0 to 1."""
    day = partition_day(context)
    return snapshot_result(build_predictions(models.churn(warehouse, day), snapshots, day))


@dg.asset(
    deps=[RAW_FEATURES, churn_predictions],
    partitions_def=daily,
    group_name="features",
    kinds={"parquet"},
    owners=[DATA_TEAM],
    tags={"domain": "behaviour"},
    code_version="1",
)
def features(context: dg.AssetExecutionContext, snapshots: dg.ResourceParam[SnapshotStore]) -> Materialization:
    """The snapshot that every journey reads: the raw features with the churn risk."""
    stored = build_features(snapshots, partition_day(context))
    return snapshot_result(
        stored, more={"dagster/column_lineage": _lineage(stored), "duplicate_customers": stored.duplicate_customers}
    )


def _lineage(stored: StoredSnapshot) -> dg.TableColumnLineage:
    origins = {"churn_risk": PREDICTIONS}
    columns = [column.name for column in parquet_schema(stored).columns]
    return dg.TableColumnLineage({name: [dg.TableColumnDep(origins.get(name, RAW_FEATURES), name)] for name in columns})
