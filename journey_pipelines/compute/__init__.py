"""Processes that work for ranges of shards is given to: of this machine, or of a Dask cluster.

Belongs here: implementations of the engine's port `Compute` beyond `InProcess`. Does not belong here: what is done in
those processes.
"""

from journey_pipelines.compute.dask_cluster import DaskCluster
from journey_pipelines.compute.local_processes import LocalProcesses

__all__ = ["DaskCluster", "LocalProcesses"]
