"""The one definition of days that all daily assets share."""

from datetime import date, datetime
from typing import Final

import dagster as dg

from journey_pipelines.snapshots.days import end_of_day

daily: Final = dg.DailyPartitionsDefinition(start_date="2017-01-01")
"""UTC days; the sample's first is the start. A partition's `as_of` is the last instant of its day."""

day_before: Final = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
"""Makes an asset depend on its own partition of the day before, so that backfills go through the days in order."""


def partition_day(context: dg.AssetExecutionContext) -> date:
    """The day that this run materialises."""
    return date.fromisoformat(context.partition_key)


def partition_end(context: dg.AssetExecutionContext) -> datetime:
    """The `as_of` of the partition that this run materialises."""
    return end_of_day(partition_day(context))
