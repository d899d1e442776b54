"""The sample warehouse: the Complete Journey data as a DuckDB file, so that a newcomer sees real shoppers at once.

Belongs here: building that file and inventing, from a seed, the addresses and consents that the data lacks. Does not
belong here: anything that a pipeline run needs; runs know the warehouse only by its URL and the queries in
`sql/warehouse/`.
"""

from journey_pipelines.sample.build import build_sample_warehouse, ensure_sample_warehouse

__all__ = ["build_sample_warehouse", "ensure_sample_warehouse"]
