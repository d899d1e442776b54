"""Dagster's own storage, in the same Postgres as the journeys; `dagster.yaml` names this class.

A class of ours rather than a URL in `dagster.yaml`, because whichever Dagster process comes first starts the embedded
Postgres, and each of them keeps it alive: `dg dev` needs no environment variable.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from journey_pipelines.dagster_home import dagster_storage_url
from journey_pipelines.settings import Settings


class JourneysDagsterStorage(DagsterPostgresStorage):
    """dagster-postgres on the URL that the project's settings give."""

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        """No configuration: the settings are the environment's."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003 - the base class calls it so
    ) -> "JourneysDagsterStorage":
        """Connect; raises StoreError or SettingsError where that cannot be."""
        settings = Settings.from_environment(os.environ, working_directory=Path.cwd())
        return cls(dagster_storage_url(settings), inst_data=inst_data)
