"""The parts of one installation as resources; each gives the plain object that the command line uses too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import Field

from journey_pipelines.composition import Installation, compute_of
from journey_pipelines.engine.compute import Compute
from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.snapshots.models import ModelStore
from journey_pipelines.snapshots.parquet import SnapshotStore
from journey_pipelines.snapshots.warehouse import Warehouse


class InstallationResource(dg.ConfigurableResource[Installation]):
    """The project, by the environment's JOURNEYS_* settings.

    Secrets (the URLs of store and warehouse) come from the environment alone, never from run configuration.
    """

    home: str | None = Field(default=None, description="Folder of the project; else JOURNEYS_HOME or where we are")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Installation]:  # noqa: ARG002 - Dagster's signature
        """Nothing is connected before it is used; what was is closed when the run ends."""
        environment = {**os.environ, **({"JOURNEYS_HOME": self.home} if self.home else {})}
        installation = Installation.from_environment(environment, working_directory=Path.cwd())
        try:
            yield installation
        finally:
            if "store" in vars(installation):
                installation.store.close()


class ComputeResource(dg.ConfigurableResource[Compute]):
    """Where executions are moved: on a Dask cluster, by local processes, or in this process.

    What is left out here comes from JOURNEYS_DASK_SCHEDULER and JOURNEYS_WORKERS.
    """

    installation: dg.ResourceDependency[Installation]
    dask_scheduler: str | None = Field(default=None, description="Address of a Dask scheduler, tcp://host:8786")
    workers: int | None = Field(default=None, ge=1, description="How many local processes; 1: this one")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Compute]:  # noqa: ARG002 - Dagster's signature
        """Nothing is started before it is used; what was ends with the run."""
        settings = self.installation.settings
        is_given = self.dask_scheduler is not None or self.workers is not None
        chosen = (self.workers, self.dask_scheduler) if is_given else (settings.workers, settings.dask_scheduler)
        compute = compute_of(*chosen)
        try:
            yield compute
        finally:
            compute.close()


class StoreResource(dg.ConfigurableResource[JourneyStore]):
    """The journey store in Postgres."""

    installation: dg.ResourceDependency[Installation]

    def create_resource(self, context: dg.InitResourceContext) -> JourneyStore:  # noqa: ARG002 - Dagster's signature
        """Starts the embedded Postgres where no other is configured."""
        return self.installation.store


class WarehouseResource(dg.ConfigurableResource[Warehouse]):
    """The warehouse, read-only."""

    installation: dg.ResourceDependency[Installation]

    def create_resource(self, context: dg.InitResourceContext) -> Warehouse:  # noqa: ARG002 - Dagster's signature
        """Connects for each query."""
        return self.installation.warehouse


class SnapshotsResource(dg.ConfigurableResource[SnapshotStore]):
    """The folder of Parquet partitions."""

    installation: dg.ResourceDependency[Installation]

    def create_resource(self, context: dg.InitResourceContext) -> SnapshotStore:  # noqa: ARG002 - Dagster's signature
        """Reads nothing yet."""
        return self.installation.snapshots


class ModelsResource(dg.ConfigurableResource[ModelStore]):
    """The folder of trained churn models."""

    installation: dg.ResourceDependency[Installation]

    def create_resource(self, context: dg.InitResourceContext) -> ModelStore:  # noqa: ARG002 - Dagster's signature
        """Reads nothing yet."""
        return self.installation.models
