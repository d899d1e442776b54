"""Snapshots: what the warehouse said on a day, kept as Parquet so that every decision can be traced and repeated.

Belongs here: reading the warehouse through its named queries, the churn model, the daily partitions, and the source
that gives them to the engine. Does not belong here: journeys, Dagster, or a figure that a query could compute.
"""
