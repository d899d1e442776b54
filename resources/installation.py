"""The parts of one installation as resources; each gives the plain object that the command line uses too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import Field

from journey_pipelines.composition import Installation
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
