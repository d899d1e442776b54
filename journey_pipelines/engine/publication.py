"""What publishing a version means for those who are in the journey already."""

import pandas as pd

from journey_pipelines.engine.states import UNFINISHED
from journey_pipelines.journeys.migration_map import MigrationMap


def publication_plan(
    status_counts: pd.DataFrame, journey_key: str, migration: MigrationMap | None = None
) -> pd.DataFrame:
    """How many unfinished executions stand at each node of each version, and what becomes of them.

    Takes `StoreTransaction.status_counts`; gives journey_version, node_id, count and fate, by version and node. The
    fate is `keep` (an execution finishes on the version that it entered) unless a migration moves or ends it.
    """
    is_affected = (status_counts["journey_key"] == journey_key) & status_counts["state"].isin(UNFINISHED)
    affected = status_counts[is_affected].rename(columns={"current_node_id": "node_id"})
    plan = affected.groupby(["journey_version", "node_id"], as_index=False)["count"].sum()
    if migration is None:
        return plan.assign(fate="keep")
    fates = plan["node_id"].map({node: migration.fate(node) for node in plan["node_id"].unique()})
    return plan.assign(fate=fates.where(plan["journey_version"] == migration.from_version, "keep"))
