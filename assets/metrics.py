"""How the live journeys are doing: tables and plots of the analysts' views, for people who look at the asset."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.figures import journey_metadata, markdown_table
from assets.ownership import MARKETING_TEAM
from assets.reports import Materialization
from journey_pipelines.composition import Installation
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.store.postgres.analytics import analytics_of


@dg.asset(
    deps=["deliveries"],
    group_name="delivery",
    kinds={"matplotlib"},
    owners=[MARKETING_TEAM],
    tags={"domain": "journeys"},
    code_version="2",
)
def journey_metrics(installation: dg.ResourceParam[Installation]) -> Materialization:
    """Each journey's funnel, ways, waits, ends, sends, points and arms; who entered, and what was sent, over time."""
    store = installation.store
    with store.transaction() as transaction:
        dispatches = transaction.dispatch_counts()
        newest = {stored.journey_key: stored for stored in transaction.versions()}  # oldest first
    as_of = datetime.now(UTC)
    metadata: dict[str, Any] = {}
    for key in sorted(newest):
        journey = compile_journey(newest[key].document, installation.catalog, version=newest[key].version)
        metadata |= journey_metadata(journey, analytics_of(store, key), as_of=as_of)
    metadata["dispatches"] = dg.MetadataValue.md(markdown_table(dispatches))
    return dg.MaterializeResult(metadata=metadata)
