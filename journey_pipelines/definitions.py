"""The one place where assets meet resources. Built when Dagster asks for it; nothing connects while it loads."""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from assets.automation import (
    advance_every_five_minutes,
    daily_schedule,
    dispatch_every_five_minutes,
    failed_runs,
    new_events_and_starts,
    retention_at_night,
)
from assets.features import churn_model, churn_predictions, features
from assets.jobs import advance_due, daily_journeys, dispatch, history_retention, replay
from assets.journeys import deliveries, make_movement
from assets.lineage import warehouse_tables
from assets.metrics import journey_metrics
from assets.replays import make_replays
from assets.segments import make_segments
from assets.snapshots import event_inbox, make_snapshots
from journey_pipelines.delivery.providers.registry import CHANNELS
from journey_pipelines.provider_settings import LiveSettings
from journey_pipelines.snapshots.queries import Query, read_query
from journey_pipelines.snapshots.warehouse import packaged_queries
from resources.in_process import InProcessRuns, in_process_runs
from resources.installation import (
    ComputeResource,
    InstallationResource,
    ModelsResource,
    SnapshotsResource,
    StoreResource,
    WarehouseResource,
)
from resources.providers import ChannelsResource, channel_resource
from resources.replays import ReadingsResource, ReplaysResource

BASE_QUERIES = ("features", "profiles", "events", "campaigns")


def build_definitions(environment: Mapping[str, str] | None = None) -> dg.Definitions:
    """Assets by the warehouse's queries, jobs, schedules, sensors and the resources of one installation.

    The environment (default: the process's own) says which provider carries a channel's messages. Raises SettingsError,
    one sentence, where a provider's key or another setting is missing or wrong.
    """
    given = os.environ if environment is None else environment
    chosen = LiveSettings.from_environment(given, working_directory=Path.cwd()).providers
    segments = _queries("segments/*.sql")
    base = {name: read_query(packaged_queries() / f"{name}.sql") for name in BASE_QUERIES}
    installation = InstallationResource()
    readings = ReadingsResource()
    channels = {name: channel_resource(name, chosen, installation) for name in CHANNELS}
    return dg.Definitions(
        assets=[
            *warehouse_tables([*segments.values(), *base.values()]),
            make_segments(segments),
            *make_snapshots(base),
            event_inbox,
            churn_model,
            churn_predictions,
            features,
            make_movement(segments),
            deliveries,
            journey_metrics,
            *make_replays(segments),
        ],
        jobs=[daily_journeys, dispatch, advance_due, history_retention, replay],
        schedules=[daily_schedule, advance_every_five_minutes, dispatch_every_five_minutes, retention_at_night],
        sensors=[new_events_and_starts, failed_runs],
        resources={
            "installation": installation,
            "compute": ComputeResource(installation=installation),
            "store": StoreResource(installation=installation),
            "warehouse": WarehouseResource(installation=installation),
            "snapshots": SnapshotsResource(installation=installation),
            "models": ModelsResource(installation=installation),
            "readings": readings,
            "replays": ReplaysResource(readings=readings),
            **channels,
            "channels": ChannelsResource(**channels),
        },
        executor=dg.in_process_executor,
    )


@contextmanager
def runs_in_process(dagster_home: Path) -> Iterator[InProcessRuns]:
    """The code location's jobs, to be run in this process on the instance of that DAGSTER_HOME."""
    with warnings.catch_warnings():
        # Dagster passes its own sensors' owners on and then warns of it
        warnings.filterwarnings("ignore", "Parameter `owners` of initializer `SensorDefinition")
        with in_process_runs(build_definitions(), dagster_home) as runs:
            yield runs


def _queries(pattern: str) -> dict[str, Query]:
    return {path.stem: read_query(path) for path in sorted(packaged_queries().glob(pattern))}


@dg.definitions
def defs() -> dg.Definitions:
    """The code location."""
    return build_definitions()
