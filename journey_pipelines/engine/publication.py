"""What publishing a version means for those who are in the journey already."""

import pandas as pd

from journey_pipelines.engine.states import UNFINISHED


def publication_plan(status_counts: pd.DataFrame, journey_key: str) -> pd.DataFrame:
    """How many unfinished executions stand at each node of each version, and what becomes of them.

    Takes `StoreTransaction.status_counts`; gives journey_version, node_id, count and fate, by version and node. Every
    fate is `keep`: an execution finishes on the version that it entered.
    """
    is_affected = (status_counts["journey_key"] == journey_key) & status_counts["state"].isin(UNFINISHED)
    affected = status_counts[is_affected].rename(columns={"current_node_id": "node_id"})
    plan = affected.groupby(["journey_version", "node_id"], as_index=False)["count"].sum()
    return plan.assign(fate="keep")
