"""From a delivery to the snapshots that it read, and from each column to the warehouse."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from tests.orchestration.project import DAY, NEXT_DAY, Project


def metadata(result: dg.ExecuteInProcessResult) -> Mapping[str, Mapping[str, Any]]:
    return {
        event.asset_key.to_user_string(): event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def made_of(shown: Mapping[str, Any], column: str) -> set[str]:
    """`asset.column` of everything that a column is made of."""
    deps = shown["dagster/column_lineage"].column_lineage.deps_by_column[column]
    return {f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps}


def snapshots_of(shown: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {record.data["asset"]: record.data for record in shown["snapshots"].records}


def test_a_delivery_leads_to_snapshot_partitions_and_columns_of_the_warehouse(project: Project) -> None:
    project.publish()
    first = metadata(project.run_day(DAY))
    second = metadata(project.run_day(NEXT_DAY))
    sent = metadata(project.dispatch(NEXT_DAY))["deliveries"]

    assert made_of(sent, "payload") >= {"profiles.first_name", "profiles.email", "profiles.phone"}
    read = snapshots_of(sent)
    assert read["profiles"]["partition"] == NEXT_DAY.isoformat()
    assert read["features"]["warehouse_tables"] == (
        "basket_departments, baskets, coupon_redemptions, customers, demographics"
    )
    assert read["features"]["snapshot_id"] == second["features"]["snapshot_id"].value
    assert read["segments/at_risk"]["snapshot_id"] == second["segments/at_risk"]["snapshot_id"].value

    assert made_of(first["profiles"], "first_name") == {"warehouse/customers.first_name"}
    assert made_of(first["raw_features"], "age_band") == {"warehouse/demographics.age"}
    assert made_of(first["features"], "age_band") == {"raw_features.age_band"}
    assert made_of(first["segments/at_risk"], "customer_id") == {
        "warehouse/baskets.household_id",
        "warehouse/baskets.purchased_at",
    }
    assert snapshots_of(first["entries"])["features"]["partition"] == DAY.isoformat()
    assert made_of(second["entries"], "customer_id") == {
        "features.baskets_30d",
        "segments/at_risk.customer_id",
        "segments/new_customers.customer_id",
    }
    assert made_of(second["advances"], "branch") == {"features.churn_risk", "features.sessions_1d"}
