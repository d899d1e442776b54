"""What replays are given: what they read, and the tables that they fill. Nothing here can reach a provider.

No module that this one imports knows a channel, and the settings have none of a provider; a contract and a test say so.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg
from pydantic import Field

from journey_pipelines.reading import Readings
from journey_pipelines.settings import Settings
from journey_pipelines.store.embedded import ensure_running
from journey_pipelines.store.postgres.replays import ReplayTables


class ReadingsResource(dg.ConfigurableResource[Readings]):
    """Warehouse, snapshots, templates and action types, by the environment's JOURNEYS_* settings."""

    home: str | None = Field(default=None, description="Folder of the project; else JOURNEYS_HOME or where we are")

    def create_resource(self, context: dg.InitResourceContext) -> Readings:  # noqa: ARG002 - Dagster's signature
        """Connects to nothing yet."""
        environment = {**os.environ, **({"JOURNEYS_HOME": self.home} if self.home else {})}
        return Readings(Settings.from_environment(environment, working_directory=Path.cwd()))


class ReplaysResource(dg.ConfigurableResource[ReplayTables]):
    """The schema `journeys_replay`, in the Postgres of the journey store."""

    readings: dg.ResourceDependency[Readings]

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[ReplayTables]:  # noqa: ARG002 - Dagster's signature
        """Starts the embedded Postgres where no other is configured."""
        settings = self.readings.settings
        with closing(ReplayTables(settings.store_url or ensure_running(settings.home).url)) as tables:
            yield tables
