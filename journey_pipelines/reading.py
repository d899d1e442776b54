"""What an installation reads, built from its settings: warehouse, snapshots, templates, action types.

Belongs here: which class stands behind a setting that is read from. Does not belong here: channels, providers, the live
store, behaviour. Replays are built from this alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from journey_pipelines.delivery.actions import ActionType, load_actions
from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.errors import SettingsError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.yaml_text import yaml_value
from journey_pipelines.settings import Settings
from journey_pipelines.snapshots.models import ModelStore
from journey_pipelines.snapshots.parquet import SnapshotStore
from journey_pipelines.snapshots.sources import ParquetSource
from journey_pipelines.snapshots.warehouse import Warehouse


@dataclass(frozen=True)
class Readings:
    """Each part is built when it is first asked for."""

    settings: Settings

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse, read-only."""
        return Warehouse(self.settings.warehouse_url)

    @cached_property
    def snapshots(self) -> SnapshotStore:
        """The Parquet partitions."""
        return SnapshotStore(self.settings.snapshots)

    @cached_property
    def models(self) -> ModelStore:
        """The trained churn models."""
        return ModelStore(self.settings.models)

    @cached_property
    def source(self) -> ParquetSource:
        """The partitions as the engine reads them."""
        return ParquetSource(self.snapshots, segments=self.warehouse.segments())

    @cached_property
    def templates(self) -> TemplateStore:
        """The folder of templates, or the samples."""
        folder = self.settings.templates
        return TemplateStore() if folder is None else TemplateStore(folder)

    @cached_property
    def actions(self) -> Mapping[str, ActionType]:
        """Every action type by its name, those of other installed packages included."""
        return load_actions(self.templates)

    @cached_property
    def catalog(self) -> Catalog:
        """What journey documents may name, without what only the warehouse knows."""
        return Catalog(actions=self.actions)

    @cached_property
    def full_catalog(self) -> Catalog:
        """The catalog with the warehouse's features and segments: what publication checks against."""
        return Catalog(
            actions=self.actions,
            features=self.warehouse.feature_names(),
            segments=frozenset(self.warehouse.segments()),
        )

    @cached_property
    def policy(self) -> ContactPolicy | None:
        """Frequency caps and quiet hours, where a file sets them."""
        path = self.settings.policy
        if path is None:
            return None
        try:
            value, problems = yaml_value(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"JOURNEYS_POLICY names {path}, which cannot be read ({error}); correct it") from error
        if problems:
            raise SettingsError(f"JOURNEYS_POLICY names {path}, which is wrong ({problems[0]}); correct it")
        return ContactPolicy.parse(value)
